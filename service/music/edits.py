"""Edits of a score: notes added, removed, moved and resized, tempo, transposition, rhythm assist, instruments.

`apply_edits` carries out a list of edits in order, all or none. A note is named by its track, start and pitch, and by
its duration too where two notes share these three. Times are ticks, 480 to the beat.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from service.music.midi import MAX_NOTES, MAX_SECONDS
from service.music.rhythm import quantize
from service.music.score import Note, Score, Tempo

MAX_EDITS = 1000
MAX_SWEEPS = 32
MIN_BPM, MAX_BPM = 40, 160
MAX_SEMITONES = 12
DEFAULT_VELOCITY = 80


class EditOp(StrEnum):
    """What an edit does."""

    ADD_NOTE = "ADD_NOTE"
    REMOVE_NOTE = "REMOVE_NOTE"
    MOVE_NOTE = "MOVE_NOTE"
    RESIZE_NOTE = "RESIZE_NOTE"
    SET_TEMPO = "SET_TEMPO"
    TRANSPOSE = "TRANSPOSE"
    QUANTIZE = "QUANTIZE"
    SET_INSTRUMENT = "SET_INSTRUMENT"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit. Which fields an operation needs and takes, `RULES` says; the others stay None.

    `track` counts from 0. `start`, `duration`, `to_start` and `to_duration` are ticks; `pitch`, `to_pitch`, `velocity`
    and `program` are MIDI's; `bpm` is quarter notes a minute; `strength` is how far towards the grid rhythm assist
    moves a note, 0 to 1; `grid` is the distance of the grid's lines in ticks, found from the notes if not given.
    """

    op: EditOp
    track: int | None = None
    start: int | None = None
    pitch: int | None = None
    duration: int | None = None
    velocity: int | None = None
    to_start: int | None = None
    to_pitch: int | None = None
    to_duration: int | None = None
    bpm: float | None = None
    semitones: int | None = None
    program: int | None = None
    strength: float | None = None
    grid: int | None = None


class EditError(ValueError):
    """Why an edit cannot be carried out: its index in the list, the field at fault, and the rule in a sentence."""

    def __init__(self, index: int, field: str, message: str) -> None:
        super().__init__(f"edits[{index}].{field}: {message}")
        self.index = index
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Rule:
    """The fields an operation must have, and those it may have besides."""

    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


RULES = {
    EditOp.ADD_NOTE: Rule(needs=("track", "start", "pitch", "duration"), takes=("velocity",)),
    EditOp.REMOVE_NOTE: Rule(needs=("track", "start", "pitch"), takes=("duration",)),
    EditOp.MOVE_NOTE: Rule(needs=("track", "start", "pitch"), takes=("duration", "to_start", "to_pitch")),
    EditOp.RESIZE_NOTE: Rule(needs=("track", "start", "pitch", "to_duration"), takes=("duration",)),
    EditOp.SET_TEMPO: Rule(needs=("bpm",)),
    EditOp.TRANSPOSE: Rule(needs=("semitones",), takes=("track",)),
    EditOp.QUANTIZE: Rule(needs=(), takes=("track", "strength", "grid")),
    EditOp.SET_INSTRUMENT: Rule(needs=("track", "program")),
}

_MAX_TICK = 2**28 - 1  # the longest time one MIDI event can wait

BOUNDS: dict[str, tuple[float, float]] = {
    "track": (0, 10_000),
    "start": (0, _MAX_TICK),
    "pitch": (0, 127),
    "duration": (1, _MAX_TICK),
    "velocity": (1, 127),
    "to_start": (0, _MAX_TICK),
    "to_pitch": (0, 127),
    "to_duration": (1, _MAX_TICK),
    "bpm": (MIN_BPM, MAX_BPM),
    "semitones": (-MAX_SEMITONES, MAX_SEMITONES),
    "program": (0, 127),
    "strength": (0, 1),
    "grid": (1, 1920),
}

_FRACTIONAL = {"bpm", "strength"}
_FIELDS = tuple(field.name for field in fields(Edit) if field.name != "op")
_TOO_LONG = f"the music would last more than {MAX_SECONDS:,} seconds"
_SWEEPS = {EditOp.TRANSPOSE, EditOp.QUANTIZE}  # these touch every note


def apply_edits(score: Score, edits: Iterable[Edit]) -> Score:
    """The score after all edits, in order; tracks left without notes are dropped.

    SET_TEMPO gives the whole score one tempo and so replaces tempo changes. TRANSPOSE moves one pitched track or all
    of them; drums stay. QUANTIZE is rhythm assist (see `service.music.rhythm`), for one track or each. Raises EditError
    for the first edit that cannot be carried out, or when no note would be left.
    """
    edits = tuple(edits)
    draft = _Draft(score)
    sweeps = 0
    for index, edit in enumerate(edits):
        try:
            _check_count(index, sweeps := sweeps + (edit.op in _SWEEPS))
            _OPERATIONS[edit.op](draft, **_checked_fields(edit, len(draft.tracks)))
        except _Refused as refusal:
            raise EditError(index, refusal.field, refusal.message) from None
    if edits and not any(draft.notes):
        removals = [index for index, edit in enumerate(edits) if edit.op is EditOp.REMOVE_NOTE]
        raise EditError(max(removals, default=len(edits) - 1), "op", "would leave the composition without notes")
    return draft.score()


class _Refused(Exception):
    """An edit breaks a rule; which edit it is, only `apply_edits` knows."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class _Draft:
    """A score under edit: each track's notes as a sorted list, so that one edit among 20,000 notes is cheap."""

    def __init__(self, score: Score) -> None:
        self.tracks = list(score.tracks)
        self.notes = [list(track.notes) for track in score.tracks]
        self.timeline = score.with_tracks(())

    def score(self) -> Score:
        pairs = zip(self.tracks, self.notes, strict=True)
        return self.timeline.with_tracks(track.with_notes(notes) for track, notes in pairs if notes)

    def chosen(self, track: int | None) -> Sequence[int]:
        return range(len(self.tracks)) if track is None else (track,)

    def take(self, track: int, start: int, pitch: int, duration: int | None) -> Note:
        """Remove and return the note so named."""
        notes = self.notes[track]
        position = bisect_left(notes, Note(start, pitch, duration or 0, 0))
        if position < len(notes):
            found = notes[position]
            if (found.start, found.pitch) == (start, pitch) and duration in (None, found.duration):
                return notes.pop(position)
        length = "" if duration is None else f" with a duration of {duration}"
        raise _Refused("start", f"no note of pitch {pitch} starts at tick {start}{length}")

    def put(self, track: int, note: Note, start_field: str, end_field: str) -> None:
        """Insert a note, or blame one of the two fields for its start or its end."""
        if self.timeline.seconds_at(note.start) > MAX_SECONDS:
            raise _Refused(start_field, _TOO_LONG)
        if self.timeline.seconds_at(note.end) > MAX_SECONDS:
            raise _Refused(end_field, _TOO_LONG)
        insort(self.notes[track], note)

    def refuse_twin(self, track: int, start: int, pitch: int, field: str) -> None:
        """Two notes of one pitch that start together could not be told apart by later edits."""
        notes = self.notes[track]
        position = bisect_left(notes, Note(start, pitch, 0, 0))
        if position < len(notes) and (notes[position].start, notes[position].pitch) == (start, pitch):
            raise _Refused(field, f"a note of pitch {pitch} already starts at tick {start}")

    @property
    def end(self) -> int:
        return max((note.end for notes in self.notes for note in notes), default=0)


def _check_count(index: int, sweeps: int) -> None:
    if index >= MAX_EDITS:
        raise _Refused("op", f"at most {MAX_EDITS:,} edits can be made at once")
    if sweeps > MAX_SWEEPS:
        raise _Refused("op", f"at most {MAX_SWEEPS} of the edits can be TRANSPOSE or QUANTIZE")


def _checked_fields(edit: Edit, tracks: int) -> dict[str, Any]:
    """The fields given, all of them known to be right for the operation."""
    rule = RULES[edit.op]
    given = {name: value for name in _FIELDS if (value := getattr(edit, name)) is not None}
    for name in rule.needs:
        if name not in given:
            raise _Refused(name, f"is required for {edit.op}")
    for name, value in given.items():
        if name not in rule.needs + rule.takes:
            raise _Refused(name, f"has no meaning for {edit.op}")
        _check_value(name, value)
    if edit.track is not None and edit.track >= tracks:
        raise _Refused("track", f"there is no track {edit.track}; the composition has {tracks}")
    return given


def _check_value(name: str, value: float) -> None:
    low, high = BOUNDS[name]
    kind = "a number" if name in _FRACTIONAL else "a whole number"
    allowed: type | tuple[type, ...] = (int, float) if name in _FRACTIONAL else int
    if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
        raise _Refused(name, f"must be {kind} from {low:,} to {high:,}")


def _add_note(
    draft: _Draft, track: int, start: int, pitch: int, duration: int, velocity: int = DEFAULT_VELOCITY
) -> None:
    if sum(map(len, draft.notes)) >= MAX_NOTES:
        raise _Refused("op", f"the composition would have more than {MAX_NOTES:,} notes")
    draft.refuse_twin(track, start, pitch, "start")
    draft.put(track, Note(start, pitch, duration, velocity), "start", "duration")


def _remove_note(draft: _Draft, track: int, start: int, pitch: int, duration: int | None = None) -> None:
    draft.take(track, start, pitch, duration)


def _move_note(
    draft: _Draft,
    track: int,
    start: int,
    pitch: int,
    duration: int | None = None,
    to_start: int | None = None,
    to_pitch: int | None = None,
) -> None:
    if to_start is None and to_pitch is None:
        raise _Refused("to_start", "is required for MOVE_NOTE, unless a new pitch is given")
    note = draft.take(track, start, pitch, duration)
    moved = replace(note, start=start if to_start is None else to_start, pitch=pitch if to_pitch is None else to_pitch)
    field = "to_pitch" if to_start is None else "to_start"
    if (moved.start, moved.pitch) != (start, pitch):
        draft.refuse_twin(track, moved.start, moved.pitch, field)
    draft.put(track, moved, field, field)


def _resize_note(
    draft: _Draft, track: int, start: int, pitch: int, to_duration: int, duration: int | None = None
) -> None:
    note = draft.take(track, start, pitch, duration)
    draft.put(track, replace(note, duration=to_duration), "start", "to_duration")


def _set_tempo(draft: _Draft, bpm: float) -> None:
    draft.timeline = replace(draft.timeline, tempos=(Tempo(0, float(bpm)),))
    if draft.timeline.seconds_at(draft.end) > MAX_SECONDS:
        raise _Refused("bpm", _TOO_LONG)


def _transpose(draft: _Draft, semitones: int, track: int | None = None) -> None:
    if track is not None and draft.tracks[track].is_drum:
        raise _Refused("track", "drums cannot be transposed")
    pitched = [index for index in draft.chosen(track) if not draft.tracks[index].is_drum]
    for index in pitched:
        outside = [note.pitch for note in draft.notes[index] if not 0 <= note.pitch + semitones <= 127]
        if outside:
            raise _Refused("semitones", f"would take pitch {outside[0]} of track {index} out of the range 0 to 127")
        draft.notes[index] = [replace(note, pitch=note.pitch + semitones) for note in draft.notes[index]]


def _quantize(draft: _Draft, track: int | None = None, strength: float = 1.0, grid: int | None = None) -> None:
    for index in draft.chosen(track):
        draft.notes[index] = sorted(quantize(draft.notes[index], grid, strength))
    if draft.timeline.seconds_at(draft.end) > MAX_SECONDS:
        raise _Refused("op", _TOO_LONG)


def _set_instrument(draft: _Draft, track: int, program: int) -> None:
    if draft.tracks[track].is_drum:
        raise _Refused("track", "drums cannot become another instrument")
    draft.tracks[track] = replace(draft.tracks[track], program=program)


# Each operation takes the fields that its rule names.
_OPERATIONS: dict[EditOp, Callable[..., None]] = {
    EditOp.ADD_NOTE: _add_note,
    EditOp.REMOVE_NOTE: _remove_note,
    EditOp.MOVE_NOTE: _move_note,
    EditOp.RESIZE_NOTE: _resize_note,
    EditOp.SET_TEMPO: _set_tempo,
    EditOp.TRANSPOSE: _transpose,
    EditOp.QUANTIZE: _quantize,
    EditOp.SET_INSTRUMENT: _set_instrument,
}
