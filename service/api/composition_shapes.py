"""Requests and answers about compositions."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from typing_extensions import TypeAliasType

from service.api.audio_shapes import AudioDescription
from service.api.fields import (
    DEFAULT_PAGE,
    DEFAULT_URL_SECONDS,
    MAX_REVISION,
    MAX_URL_SECONDS,
    MIN_URL_SECONDS,
    ClientRequestToken,
    CompositionId,
    CompositionName,
    MaxResults,
    ModelId,
    NextToken,
    SampleMelodyId,
    Tag,
)
from service.api.hyperparameters import InferenceHyperParameters
from service.api.shape import (
    AnswerShape,
    Blob,
    QueryBoolean,
    QueryShape,
    RequestShape,
    Timestamp,
    decoded,
)
from service.music.edits import BOUNDS, MAX_EDITS, EditOp
from service.resources import InputSource, ModelType, Status

MAX_INPUT_MIDI = 10_240  # bytes
MAX_LOCKED_NOTES = 1000


def _lax(enumeration: type[StrEnum]) -> Any:
    """An enumeration of which a strict structure takes the values, too."""
    return Annotated[enumeration, Field(strict=False)]


InputMidi = TypeAliasType(
    "InputMidi",
    Annotated[
        bytes,
        Field(
            min_length=1,
            max_length=MAX_INPUT_MIDI,
            json_schema_extra={"format": "byte"},
            description="A standard MIDI file of at most 10,240 bytes. Sent as base64; SDKs encode it themselves.",
        ),
        BeforeValidator(decoded),
    ],
)


class LockedNote(RequestShape):
    """A note of the input that the model may neither remove nor change."""

    start: int = Field(ge=0, le=BOUNDS["start"][1], description="Where the note starts, in ticks of 480 to the beat.")
    pitch: int = Field(ge=0, le=127, description="Its MIDI pitch.")


class CreateCompositionRequest(RequestShape):
    """What to compose. Exactly one of inputMidi, sampleMelodyId and parentCompositionId names the melody."""

    name: CompositionName
    model_id: ModelId
    model_type: _lax(ModelType) = Field(  # type: ignore[valid-type]
        default=ModelType.SAMPLE, description="SAMPLE for a model that comes with the service, CUSTOM for your own."
    )
    input_midi: InputMidi | None = Field(default=None, description="The melody as a MIDI file.")
    sample_melody_id: SampleMelodyId | None = Field(default=None, description="The melody is this sample melody.")
    parent_composition_id: CompositionId | None = Field(
        default=None, description="The melody is the newest revision of this composition."
    )
    input_midi_source: _lax(InputSource) | None = Field(  # type: ignore[valid-type]
        default=None,
        description="Where the melody comes from. With inputMidi VIRTUAL, PHYSICAL or IMPORTED (the default); with "
        "sampleMelodyId SAMPLE, with parentCompositionId COMPOSITION.",
    )
    inference_hyper_parameters: InferenceHyperParameters | None = Field(  # type: ignore[valid-type]
        default=None, description="How the model is to compose."
    )
    locked_notes: list[LockedNote] | None = Field(
        default=None, max_length=MAX_LOCKED_NOTES, description="Notes of the input that must stay as they are."
    )
    tags: list[Tag] | None = Field(default=None, max_length=50, description="Tags for the composition.")
    client_request_token: ClientRequestToken | None = None


class GetCompositionQuery(QueryShape):
    revision: int | None = Field(
        default=None, ge=1, le=MAX_REVISION, description="Which revision of the music. The newest when not given."
    )
    include_output_midi: QueryBoolean = Field(
        default=True, description="Whether the answer holds the music itself, as outputMidi; true when not given."
    )
    url_expires_in_seconds: int = Field(
        default=DEFAULT_URL_SECONDS,
        ge=MIN_URL_SECONDS,
        le=MAX_URL_SECONDS,
        description="How long download URLs are to work, in seconds; 900 when not given.",
    )


class ListCompositionsQuery(QueryShape):
    max_results: MaxResults = DEFAULT_PAGE
    next_token: NextToken | None = None


def _tick(name: str, meaning: str) -> Any:
    return _bounded(name, f"{meaning}, in ticks of 480 to the beat.")


def _bounded(name: str, meaning: str) -> Any:
    lowest, highest = BOUNDS[name]
    return Field(default=None, ge=lowest, le=highest, description=meaning)


class Edit(RequestShape):
    """One change to the music. Which members an op takes, it says in the description of the op."""

    op: _lax(EditOp) = Field(  # type: ignore[valid-type]
        description="ADD_NOTE takes track, start, pitch, duration and velocity; REMOVE_NOTE track, start, pitch; "
        "MOVE_NOTE these and newStart or newPitch; RESIZE_NOTE these and newDuration; SET_TEMPO tempo; TRANSPOSE "
        "semitones and track; QUANTIZE (rhythm assist) track, strength and grid; SET_INSTRUMENT track and program."
    )
    track: int | None = _bounded("track", "Which track, counted from 0.")
    start: int | None = _tick("start", "Where the note starts")
    pitch: int | None = _bounded("pitch", "The note's MIDI pitch.")
    duration: int | None = _tick("duration", "How long the note is")
    velocity: int | None = _bounded("velocity", "How hard the note is struck; 80 when not given.")
    new_start: int | None = _tick("to_start", "Where the note is to start")
    new_pitch: int | None = _bounded("to_pitch", "The MIDI pitch the note is to have.")
    new_duration: int | None = _tick("to_duration", "How long the note is to be")
    tempo: float | None = _bounded("bpm", "The tempo in quarter notes a minute.")
    semitones: int | None = _bounded("semitones", "How far to transpose, upwards or (negative) downwards.")
    program: int | None = _bounded("program", "The General MIDI instrument, 0 to 127.")
    strength: float | None = _bounded("strength", "How far towards the grid notes are moved; 1 when not given.")
    grid: int | None = _tick(
        "grid",
        "The distance of the grid's lines; when not given, the grid that the notes are close to (beats to 16ths)",
    )


class UpdateCompositionRequest(RequestShape):
    """What to change: the name, the music, or both."""

    name: CompositionName | None = Field(default=None, description="The new name.")
    edits: list[Edit] | None = Field(
        default=None,
        max_length=MAX_EDITS,
        description="Changes to the music, carried out in order, all or none. They make a new revision.",
    )
    expected_revision: int | None = Field(
        default=None,
        ge=0,
        le=MAX_REVISION,
        description="Refuses the change with a ConflictException unless this is the newest revision.",
    )


class TrackDescription(AnswerShape):
    """One instrument of the music."""

    name: str
    program: int = Field(description="The General MIDI instrument, 0 to 127.")
    instrument: str = Field(description="The instrument's General MIDI name.")
    drum: bool = Field(description="Whether this is the drum kit.")
    note_count: int


class CompositionMetrics(AnswerShape):
    """The six measures of the Developer Guide."""

    pitches_used: float | None = Field(default=None, description="Notes, on average a bar.")
    pitch_classes_used: float | None = Field(default=None, description="Different pitch classes, on average a bar.")
    empty_bar_rate: float | None = Field(default=None, description="The share of bars without a note.")
    polyphonic_rate: float | None = Field(
        default=None, description="The share of time steps in which several pitches sound."
    )
    in_scale_ratio: float | None = Field(default=None, description="The share of notes that belong to the key of C.")
    drum_in_pattern_rate: float | None = Field(
        default=None,
        description="The share of drum notes that fall on the eighths of 4/4 bars. Absent without drums in 4/4.",
    )


class CompositionReport(AnswerShape):
    """What the model did to the input."""

    input_notes: int | None = Field(default=None, description="How many notes the input had.")
    notes_removed: int | None = Field(default=None, description="How many of them the model removed.")
    notes_added: int | None = Field(default=None, description="How many notes it added.")
    iterations: int | None = Field(default=None, description="How many passes through the model it took.")


class CompositionDownloads(AnswerShape):
    """Presigned URLs: whoever has one can download, without credentials, until it expires."""

    input_midi_url: str | None = None
    output_midi_url: str | None = None
    expires_at: Timestamp


class CompositionSummary(AnswerShape):
    """A composition as a list tells of it."""

    composition_id: str
    composition_arn: str
    name: str
    status: Status
    status_reason: str | None = Field(default=None, description="Why the composition failed.")
    model_id: str
    model_type: ModelType
    input_midi_source: InputSource
    latest_revision: int | None = Field(default=None, description="The number of the newest revision.")
    created_at: Timestamp
    updated_at: Timestamp


class Composition(CompositionSummary):
    """A composition: how it was made, what is known of its music, and where to download it."""

    sample_melody_id: str | None = None
    parent_composition_id: str | None = None
    inference_hyper_parameters: InferenceHyperParameters | None = Field(  # type: ignore[valid-type]
        default=None, description="All parameters the model composed with, defaults and chosen seed included."
    )
    locked_notes: list[LockedNote] | None = None
    tags: list[Tag] | None = None
    revision: int | None = Field(default=None, description="The revision this answer tells of.")
    tempo: float | None = Field(default=None, description="Quarter notes a minute.")
    duration_seconds: float | None = None
    bars: int | None = None
    tracks: list[TrackDescription] | None = None
    metrics: CompositionMetrics | None = None
    report: CompositionReport | None = Field(default=None, description="What the model did to the input.")
    audios: list[AudioDescription] | None = Field(default=None, description="Renderings of this revision to sound.")
    downloads: CompositionDownloads | None = None
    output_midi: Blob | None = Field(default=None, description="The music as a standard MIDI file.")


class CreateCompositionResponse(AnswerShape):
    composition: Composition


class GetCompositionResponse(AnswerShape):
    composition: Composition


class ListCompositionsResponse(AnswerShape):
    compositions: list[CompositionSummary]
    next_token: NextToken | None = None


class UpdateCompositionResponse(AnswerShape):
    composition: Composition


class DeleteCompositionResponse(AnswerShape):
    pass
