"""Requests about compositions as the library takes them, and the rules that span several members."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from service.api import composition_shapes as shapes
from service.api.tag_lists import tags_from_list
from service.errors import FieldError, ValidationException
from service.library.updating import wire_name
from service.library.views import NewComposition, melody_given
from service.music.edits import Edit
from service.music.midi import MidiError, read_midi
from service.resources import InputSource

# The melody's member → where a melody given so may come from; the first is assumed when the request does not say.
INPUT_SOURCES = {
    "inputMidi": (InputSource.IMPORTED, InputSource.VIRTUAL, InputSource.PHYSICAL),
    "sampleMelodyId": (InputSource.SAMPLE,),
    "parentCompositionId": (InputSource.COMPOSITION,),
}


def new_composition(request: shapes.CreateCompositionRequest) -> NewComposition:
    """Raises ValidationException when there is not exactly one melody, or it is not MIDI, or the tags break a rule."""
    source = _input_source(request)
    _check_midi(request.input_midi)
    _check_locked(request.locked_notes or [])
    parameters = request.inference_hyper_parameters
    return NewComposition(
        name=request.name,
        model_id=request.model_id,
        model_type=request.model_type,
        input_source=source,
        input_midi=request.input_midi,
        sample_melody_id=request.sample_melody_id,
        parent_composition_id=request.parent_composition_id,
        parameters=parameters.model_dump(exclude_none=True) if parameters else {},
        locked=tuple((note.start, note.pitch) for note in request.locked_notes or []),
        tags=tags_from_list(request.tags or []),
        client_request_token=request.client_request_token,
    )


def edits_of(edits: Sequence[shapes.Edit]) -> tuple[Edit, ...]:
    return tuple(_edit(edit.model_dump(by_alias=True)) for edit in edits)


def _edit(sent: Mapping[str, Any]) -> Edit:
    return Edit(**{field.name: sent[wire_name(field.name)] for field in fields(Edit)})


def _input_source(request: shapes.CreateCompositionRequest) -> InputSource:
    melody = melody_given(
        inputMidi=request.input_midi,
        sampleMelodyId=request.sample_melody_id,
        parentCompositionId=request.parent_composition_id,
    )
    possible = INPUT_SOURCES[melody]
    source: InputSource = request.input_midi_source or possible[0]
    if source not in possible:
        raise ValidationException.of(FieldError("inputMidiSource", f"must be {' or '.join(possible)} with {melody}"))
    return source


def _check_midi(data: bytes | None) -> None:
    if data is None:
        return
    try:
        read_midi(data)
    except MidiError as error:
        raise ValidationException.of(FieldError("inputMidi", str(error))) from None


def _check_locked(notes: Sequence[shapes.LockedNote]) -> None:
    seen = set()
    for index, note in enumerate(notes):
        if (note.start, note.pitch) in seen:
            raise ValidationException.of(FieldError(f"lockedNotes.{index}", "is given twice"))
        seen.add((note.start, note.pitch))
