"""The operations on tags of a resource. Compositions carry tags; audio does not."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from service.api.auth import CallerDependency
from service.api.fields import ResourceArnInPath, Tag
from service.api.operation import Operations
from service.api.services import LibraryDependency
from service.api.shape import AnswerShape, QueryShape, RequestShape
from service.api.tag_lists import tags_from_list, tags_to_list
from service.api.threads import always
from service.errors import ConflictException, FieldError, ResourceNotFoundException, ValidationException
from service.resources import Arn

operations = Operations("Tags")


class TagResourceRequest(RequestShape):
    tags: list[Tag] = Field(
        min_length=1, max_length=50, description="The tags to set. A key that the resource has gets the new value."
    )


class UntagResourceQuery(QueryShape):
    tag_keys: list[Annotated[str, Field(min_length=1, max_length=128)]] = Field(
        min_length=1, max_length=50, description="The keys of the tags to remove. One that is absent is no error."
    )


class ListTagsForResourceResponse(AnswerShape):
    tags: list[Tag]


class TagResourceResponse(AnswerShape):
    pass


class UntagResourceResponse(AnswerShape):
    pass


@operations.get(
    "/tags/{resourceArn:label}", resource="{resourceArn}", errors=(ResourceNotFoundException,), at_once=always
)
def list_tags_for_resource(
    library: LibraryDependency, caller: CallerDependency, resource_arn: ResourceArnInPath
) -> ListTagsForResourceResponse:
    """The tags of a composition."""
    return ListTagsForResourceResponse(tags=tags_to_list(library.list_tags(caller, parse_arn(resource_arn))))


@operations.post(
    "/tags/{resourceArn:label}", resource="{resourceArn}", errors=(ConflictException, ResourceNotFoundException)
)
def tag_resource(
    library: LibraryDependency, caller: CallerDependency, resource_arn: ResourceArnInPath, request: TagResourceRequest
) -> TagResourceResponse:
    """Adds tags to a composition, or changes the values of tags it has. A resource has 50 tags at most."""
    library.tag_resource(caller, parse_arn(resource_arn), tags_from_list(request.tags))
    return TagResourceResponse()


@operations.delete(
    "/tags/{resourceArn:label}", resource="{resourceArn}", errors=(ConflictException, ResourceNotFoundException)
)
def untag_resource(
    library: LibraryDependency,
    caller: CallerDependency,
    resource_arn: ResourceArnInPath,
    query: Annotated[UntagResourceQuery, Query()],
) -> UntagResourceResponse:
    """Removes tags from a composition."""
    library.untag_resource(caller, parse_arn(resource_arn), tuple(query.tag_keys))
    return UntagResourceResponse()


def parse_arn(text: str) -> Arn:
    try:
        return Arn.parse(text)
    except ValueError as error:
        raise ValidationException.of(FieldError("resourceArn", str(error))) from None
