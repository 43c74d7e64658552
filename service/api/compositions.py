"""The operations on compositions: parse, authorize, act, answer."""

from typing import Annotated

from fastapi import Query

from service.api.auth import CallerDependency
from service.api.composition_answers import composition_answer, composition_summary
from service.api.composition_requests import edits_of, new_composition
from service.api.composition_shapes import (
    CreateCompositionRequest,
    CreateCompositionResponse,
    DeleteCompositionResponse,
    GetCompositionQuery,
    GetCompositionResponse,
    ListCompositionsQuery,
    ListCompositionsResponse,
    UpdateCompositionRequest,
    UpdateCompositionResponse,
)
from service.api.fields import CompositionIdInPath
from service.api.operation import Operations
from service.api.paging import PageTokens
from service.api.services import LibraryDependency
from service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
)

operations = Operations("Compositions")


@operations.post(
    "/compositions",
    resource="composition/*",
    errors=(ConflictException, ResourceNotFoundException, ServiceQuotaExceededException),
    waits=True,
)
def create_composition(
    library: LibraryDependency, caller: CallerDependency, request: CreateCompositionRequest
) -> CreateCompositionResponse:
    """Composes new music from a melody with a model.

    When the music is made quickly, the answer holds it as outputMidi and the status is COMPLETED. Otherwise the status
    is IN_PROGRESS; GetComposition, or the waiter composition_completed, tells when that changes.
    """
    view = library.create_composition(caller, new_composition(request))
    return CreateCompositionResponse(composition=composition_answer(view))


@operations.get(
    "/compositions/{compositionId:label}",
    resource="composition/{compositionId}",
    errors=(ResourceNotFoundException,),
    at_once=lambda named: not named["query"].include_output_midi,
)
def get_composition(
    library: LibraryDependency,
    caller: CallerDependency,
    composition_id: CompositionIdInPath,
    query: Annotated[GetCompositionQuery, Query()],
) -> GetCompositionResponse:
    """A composition: its status, parameters, metrics, renderings, and presigned URLs to download it.

    The URLs work for the time asked for, but never longer than the credentials that signed them; expiresAt tells.
    """
    view = library.get_composition(
        caller,
        composition_id,
        revision=query.revision,
        include_output_midi=query.include_output_midi,
        url_seconds=query.url_expires_in_seconds,
    )
    return GetCompositionResponse(composition=composition_answer(view))


@operations.get("/compositions", resource="composition/*")
def list_compositions(
    library: LibraryDependency, caller: CallerDependency, query: Annotated[ListCompositionsQuery, Query()]
) -> ListCompositionsResponse:
    """The account's compositions, newest first, a page at a time."""
    tokens = PageTokens(library.token_secret(), "ListCompositions", caller.account)
    found, last_id = library.list_compositions(caller, limit=query.max_results, after=tokens.read(query.next_token))
    return ListCompositionsResponse(
        compositions=[composition_summary(composition) for composition in found],
        next_token=tokens.issue(last_id),
    )


@operations.patch(
    "/compositions/{compositionId:label}",
    resource="composition/{compositionId}",
    errors=(ConflictException, ResourceNotFoundException, ServiceQuotaExceededException),
)
def update_composition(
    library: LibraryDependency,
    caller: CallerDependency,
    composition_id: CompositionIdInPath,
    request: UpdateCompositionRequest,
) -> UpdateCompositionResponse:
    """Renames a composition, or changes its music: tempo, pitch, notes, rhythm, instruments.

    Changed music is a new revision; earlier ones stay readable. Only a COMPLETED composition has music to change.
    """
    view = library.update_composition(
        caller,
        composition_id,
        name=request.name,
        edits=edits_of(request.edits or []),
        expected_revision=request.expected_revision,
    )
    return UpdateCompositionResponse(composition=composition_answer(view))


@operations.delete(
    "/compositions/{compositionId:label}",
    resource="composition/{compositionId}",
    errors=(ConflictException, ResourceNotFoundException),
)
def delete_composition(
    library: LibraryDependency, caller: CallerDependency, composition_id: CompositionIdInPath
) -> DeleteCompositionResponse:
    """Deletes a composition with all its revisions and renderings, for ever. One in progress is stopped."""
    library.delete_composition(caller, composition_id)
    return DeleteCompositionResponse()
