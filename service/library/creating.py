"""CreateComposition: from a melody and a model to a composition that is being made, or already is."""

import hashlib
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from service.algorithms import ALGORITHMS, MAX_SEED
from service.caller import Caller
from service.errors import ConflictException, FieldError, ResourceNotFoundException, ValidationException
from service.library.backend import Backend
from service.library.idempotency import digest_of, earlier_claim, new_claim, no_longer_exists
from service.library.reading import await_final, view
from service.library.tagging import check_tags
from service.library.views import CompositionView, NewComposition, melody_given
from service.music.midi import MidiError, read_midi
from service.resources import Composition, ModelType, Status, new_id
from service.samples import melody_midi, sample_model
from service.storage.items import Announcement, StoredComposition, Token
from service.storage.metadata import TokenTaken
from service.storage.objects import new_object_key

OPERATION = "CreateComposition"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A request that has passed every check: complete parameters, and the input as MIDI."""

    asked: NewComposition
    parameters: dict[str, Any]
    input_midi: bytes


def create(backend: Backend, caller: Caller, new: NewComposition) -> CompositionView:
    """Stores the composition, asks for it to be made, and waits a little for the result.

    A request with a token that was used before gets the composition made then, if the rest of it is the same.
    """
    token, digest = new.client_request_token, _digest(new)
    if earlier := earlier_claim(backend, caller.account, OPERATION, token, digest):
        return _answer_again(backend, earlier)
    request = _checked(backend, caller, new)
    composition, announcement = _planned(backend, caller, request)
    claim = new_claim(backend, caller.account, OPERATION, token, digest, composition.id)
    try:
        backend.metadata.create_composition(
            composition, announcement, claim, limit=backend.limits.compositions, now=composition.created
        )
    except TokenTaken:
        return create(backend, caller, new)  # the same request came twice at once, and the other one was quicker
    _ask_for(backend, composition, announcement, request.input_midi, claim)
    return _await(backend, composition.account, composition.id)


def _ask_for(
    backend: Backend, composition: Composition, announcement: Announcement, input_midi: bytes, token: Token | None
) -> None:
    """Stores the input and invokes the function; when that fails, nothing stays behind."""
    try:
        if not backend.writing.store(announcement, input_midi, backend.metadata.input_stored):
            raise ConflictException(
                f"The composition {composition.id} was deleted while it was being created.",
                resource_id=composition.id,
                resource_type="composition",
            )
        backend.inference.compose(composition)
    except Exception:
        _undo(backend, composition, token)
        raise


def _undo(backend: Backend, composition: Composition, token: Token | None) -> None:
    stored = StoredComposition(composition, token=token.name if token else None)
    try:
        backend.deleting.discard(stored, backend.now())
    except Exception:
        logger.exception("composition %s could not be removed; the next sweep will do it", composition.id)


def _await(backend: Backend, account: str, composition_id: str) -> CompositionView:
    stored = await_final(
        backend,
        read=lambda: backend.find(account, composition_id),
        status=lambda found: found.composition.status,
    )
    output = backend.music(composition_id, stored.newest.midi_key) if stored.newest else None
    return view(backend, stored, stored.newest, output_midi=output)


def _answer_again(backend: Backend, earlier: Token) -> CompositionView:
    try:
        return _await(backend, earlier.account, earlier.resource_id)
    except ResourceNotFoundException:
        raise no_longer_exists(earlier) from None


def _planned(backend: Backend, caller: Caller, request: Request) -> tuple[Composition, Announcement]:
    """The composition as it will be stored first, and the announcement of its input."""
    asked, now = request.asked, backend.now()
    composition_id = new_id()
    input_key = new_object_key(composition_id, "input", "mid")
    composition = Composition(
        account=caller.account,
        region=backend.region,
        id=composition_id,
        name=asked.name,
        status=Status.IN_PROGRESS,
        created=now,
        updated=now,
        model_id=asked.model_id,
        model_type=asked.model_type,
        input_source=asked.input_source,
        input_key=input_key,
        parameters=request.parameters,
        owner=caller.arn,
        sample_melody_id=asked.sample_melody_id,
        parent_id=asked.parent_composition_id,
        locked=asked.locked,
        tags=dict(asked.tags),
    )
    return composition, Announcement(caller.account, composition_id, new_id(), input_key, now)


# Checks -------------------------------------------------------------------------------------------------------------


def _checked(backend: Backend, caller: Caller, new: NewComposition) -> Request:
    check_tags(new.tags)
    parameters = _complete_parameters(new)
    input_midi = _input(backend, caller, new)
    _check_music(new, input_midi)
    return Request(new, parameters, input_midi)


def _complete_parameters(new: NewComposition) -> dict[str, Any]:
    """The model's parameters, every default filled in and the seed chosen."""
    try:
        if new.model_type is ModelType.CUSTOM:
            raise KeyError(new.model_id)  # custom models come with training
        algorithm = ALGORITHMS[sample_model(new.model_id).algorithm]
    except KeyError:
        raise ResourceNotFoundException(
            f"No {new.model_type.lower()} model {new.model_id}.", resource_id=new.model_id, resource_type="model"
        ) from None
    if problems := algorithm.problems(new.parameters):
        raise ValidationException.of(*problems)
    parameters = algorithm.complete(new.parameters)
    if any(row.name == "seed" for row in algorithm.inference):
        parameters.setdefault("seed", secrets.randbelow(MAX_SEED + 1))
    return parameters


def _input(backend: Backend, caller: Caller, new: NewComposition) -> bytes:
    """The melody as MIDI. Raises ValidationException unless exactly one source is named."""
    melody_given(
        inputMidi=new.input_midi,
        sampleMelodyId=new.sample_melody_id,
        parentCompositionId=new.parent_composition_id,
    )
    if new.input_midi is not None:
        return new.input_midi
    if new.sample_melody_id is not None:
        return _sample_melody(new.sample_melody_id)
    return _newest_music(backend, caller, new.parent_composition_id or "")


def _sample_melody(melody_id: str) -> bytes:
    try:
        return melody_midi(melody_id)
    except KeyError:
        raise ResourceNotFoundException(
            f"No sample melody {melody_id}.", resource_id=melody_id, resource_type="sample-melody"
        ) from None


def _newest_music(backend: Backend, caller: Caller, composition_id: str) -> bytes:
    parent = backend.find(caller.account, composition_id)
    if parent.newest is None:
        raise ConflictException(
            f"The composition {composition_id} is {parent.composition.status} and has no music to start from.",
            resource_id=composition_id,
            resource_type="composition",
        )
    return backend.music(composition_id, parent.newest.midi_key)


def _check_music(new: NewComposition, input_midi: bytes) -> None:
    """The input is music, and every locked note is one of its notes."""
    try:
        score = read_midi(input_midi)
    except MidiError as error:
        raise ValidationException.of(FieldError("inputMidi", str(error))) from None
    notes = {(note.start, note.pitch) for track in score.tracks for note in track.notes}
    problems = [
        FieldError(f"lockedNotes.{index}", f"the input has no note of pitch {pitch} at tick {start}")
        for index, (start, pitch) in enumerate(new.locked)
        if (start, pitch) not in notes
    ]
    if problems:
        raise ValidationException.of(*problems)


def _digest(new: NewComposition) -> str:
    return digest_of(
        [
            new.name,
            new.model_id,
            new.model_type,
            new.input_source,
            hashlib.sha256(new.input_midi).hexdigest() if new.input_midi is not None else None,
            new.sample_melody_id,
            new.parent_composition_id,
            sorted(new.parameters.items()),
            new.locked,
            sorted(new.tags.items()),
        ]
    )
