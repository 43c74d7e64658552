"""UpdateComposition and DeleteComposition."""

from dataclasses import fields
from typing import Any

from service.caller import Caller
from service.errors import ConflictException, FieldError, ServiceQuotaExceededException, ValidationException
from service.library.backend import Backend, no_composition
from service.library.facts import facts
from service.library.reading import view
from service.library.views import CompositionView
from service.music.edits import Edit, EditError, apply_edits
from service.music.midi import MidiError, read_midi, write_midi
from service.resources import ID_PATTERN, Revision
from service.storage.items import StoredComposition
from service.storage.objects import new_object_key

ATTEMPTS = 10  # without expectedRevision, edits apply to whatever is newest; another writer may come between

# The wire's names of an edit's fields, where they differ.
WIRE_NAMES = {"to_start": "newStart", "to_pitch": "newPitch", "to_duration": "newDuration", "bpm": "tempo"}


def update(
    backend: Backend,
    caller: Caller,
    composition_id: str,
    *,
    name: str | None,
    edits: tuple[Edit, ...],
    expected_revision: int | None,
) -> CompositionView:
    """Renames the composition, or applies edits as a new revision, or both at once: all or nothing."""
    if name is None and not edits:
        raise ValidationException.of(FieldError("edits", "give a name or edits, or there is nothing to update"))
    for _ in range(ATTEMPTS):
        stored = backend.find(caller.account, composition_id)
        _check_expected(stored, expected_revision)
        if edits:
            if added := _add_revision(backend, stored, name, edits):
                revision, midi = added
                return view(backend, backend.find(caller.account, composition_id), revision, output_midi=midi)
        elif backend.metadata.rename(caller.account, composition_id, name or "", expected_revision, backend.now()):
            renamed = backend.find(caller.account, composition_id)
            return view(backend, renamed, renamed.newest)
    raise ConflictException(
        "Others are changing this composition at the same time. Try again.",
        resource_id=composition_id,
        resource_type="composition",
    )


def delete(backend: Backend, caller: Caller, composition_id: str) -> None:
    """Removes metadata, music and audio together, also while the composition is being made."""
    known = ID_PATTERN.fullmatch(composition_id)
    if not known or not backend.deleting.delete(caller.account, composition_id, backend.now()):
        raise no_composition(composition_id)


def _check_expected(stored: StoredComposition, expected_revision: int | None) -> None:
    composition = stored.composition
    if expected_revision is not None and composition.revision != expected_revision:
        raise ConflictException(
            f"The newest revision is {composition.revision}, not {expected_revision}.",
            resource_id=composition.id,
            resource_type="composition",
        )


def _add_revision(
    backend: Backend, stored: StoredComposition, name: str | None, edits: tuple[Edit, ...]
) -> tuple[Revision, bytes] | None:
    """The new revision and its MIDI, or None when another writer was quicker."""
    composition, newest = stored.composition, stored.newest
    if newest is None:
        raise ConflictException(
            f"The composition is {composition.status}; only a COMPLETED one can be edited.",
            resource_id=composition.id,
            resource_type="composition",
        )
    if newest.number >= backend.limits.revisions:
        raise ServiceQuotaExceededException(f"A composition may have at most {backend.limits.revisions} revisions.")
    try:
        score = apply_edits(read_midi(backend.music(composition.id, newest.midi_key)), edits)
        midi = write_midi(score)
    except EditError as error:
        field = f"edits.{error.index}.{wire_name(error.field)}"
        raise ValidationException.of(FieldError(field, error.message)) from None
    except MidiError as error:
        raise ValidationException.of(FieldError("edits", str(error))) from None
    now = backend.now()
    revision = Revision(
        number=newest.number + 1,
        created=now,
        midi_key=new_object_key(composition.id, f"revision-{newest.number + 1:05d}", "mid"),
        facts=facts(score, newest.facts.get("report")),
        edits=tuple(_as_given(edit) for edit in edits),
    )
    announcement = backend.writing.announce(composition.account, composition.id, revision.midi_key, now)
    if announcement is None:
        raise no_composition(composition.id)
    added = backend.writing.store(announcement, midi, lambda it: backend.metadata.add_revision(it, revision, name))
    return (revision, midi) if added else None


def wire_name(field: str) -> str:
    """The API's name of an edit's field: to_pitch → newPitch."""
    return WIRE_NAMES.get(field, field)


def _as_given(edit: Edit) -> dict[str, Any]:
    values = {wire_name(field.name): getattr(edit, field.name) for field in fields(edit)}
    return {name: value for name, value in values.items() if value is not None}
