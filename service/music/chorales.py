"""Four-part chorales as arrays on a grid of 16ths, to and from files and scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from service.music.score import DEFAULT_BPM, TICKS_PER_BEAT, TICKS_PER_STEP, Meter, Note, Score, Tempo, Track

VOICE_NAMES = ("Soprano", "Alto", "Tenor", "Bass")
VOICES = len(VOICE_NAMES)
STEPS_PER_BEAT = TICKS_PER_BEAT // TICKS_PER_STEP
SILENT = 0  # as a pitch
CHOIR_AAHS = 52  # General MIDI program
DEFAULT_BAR = 16  # 16ths


@dataclass(frozen=True, eq=False)
class Chorale:
    """Four voices over T 16ths, soprano first.

    A cell where `onset` is set begins a note, or a silence; any other cell goes on with what the cell before it holds.
    """

    pitch: np.ndarray  # (4, T) MIDI pitch, SILENT where nothing sounds
    onset: np.ndarray  # (4, T) bool
    position: np.ndarray  # (T,) 16ths since the bar line
    bar: np.ndarray  # (T,) length of the bar in 16ths
    name: str = ""
    split: str = ""  # train, valid or test
    seen: bool = False  # the soprano tune also occurs in a training piece
    steps: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", self.pitch.shape[1])

    def part(self, start: int, stop: int) -> "Chorale":
        """The 16ths from start to stop; notes that sound at its start begin there."""
        onset = self.onset[:, start:stop].copy()
        onset[:, :1] = True
        cut = slice(start, stop)
        return Chorale(self.pitch[:, cut], onset, self.position[cut], self.bar[cut], self.name, self.split, self.seen)


def write_chorales(path: Path, chorales: Sequence[Chorale]) -> None:
    """One .npz: the pieces one after another, and for each its name, length, split and whether its tune is seen."""
    np.savez_compressed(
        path,
        pitch=np.concatenate([piece.pitch for piece in chorales], axis=1).astype(np.uint8),
        onset=np.concatenate([piece.onset for piece in chorales], axis=1),
        position=np.concatenate([piece.position for piece in chorales]).astype(np.uint8),
        bar=np.concatenate([piece.bar for piece in chorales]).astype(np.uint8),
        length=np.array([piece.steps for piece in chorales], np.int32),
        name=np.array([piece.name for piece in chorales]),
        split=np.array([piece.split for piece in chorales]),
        seen=np.array([piece.seen for piece in chorales]),
    )


def read_chorales(path: Path, split: str | None = None) -> list[Chorale]:
    """The pieces of a file, or those of one split."""
    with np.load(path, allow_pickle=False) as arrays:
        pitch, onset = arrays["pitch"].astype(np.int64), arrays["onset"]
        position, bar = arrays["position"].astype(np.int64), arrays["bar"].astype(np.int64)
        ends = np.cumsum(arrays["length"])
        facts = list(zip(arrays["name"].tolist(), arrays["split"].tolist(), arrays["seen"].tolist(), strict=True))
    chorales = []
    for (name, part, seen), start, end in zip(facts, [0, *ends[:-1]], ends, strict=True):
        if split in (None, part):
            cut = slice(start, end)
            chorales.append(Chorale(pitch[:, cut], onset[:, cut], position[cut], bar[cut], name, part, seen))
    return chorales


def to_score(chorale: Chorale, bpm: float = DEFAULT_BPM) -> Score:
    """Four tracks for choir. A pickup becomes a first bar that begins with silence, so that bar lines stand right."""
    lead = int(chorale.position[0]) if chorale.steps else 0
    bar = int(chorale.bar[0]) if chorale.steps else DEFAULT_BAR
    tracks = [
        Track(voice_notes(pitch, onset, lead * TICKS_PER_STEP), CHOIR_AAHS, name=name)
        for name, pitch, onset in zip(VOICE_NAMES, chorale.pitch, chorale.onset, strict=True)
    ]
    return Score(tuple(tracks), (Tempo(0, bpm),), (Meter(0, bar // 4, 4),))


def voice_notes(pitch: np.ndarray, onset: np.ndarray, offset: int = 0) -> tuple[Note, ...]:
    """The notes of one voice, (T,) each, `offset` ticks late."""
    steps = len(pitch)
    starts = np.flatnonzero(onset | (np.arange(steps) == 0))
    notes = []
    for start, end in zip(starts, [*starts[1:], steps], strict=True):
        if pitch[start] != SILENT:
            ticks = (int(end) - int(start)) * TICKS_PER_STEP
            notes.append(Note(offset + int(start) * TICKS_PER_STEP, int(pitch[start]), ticks))
    return tuple(notes)


def from_voices(voices: Sequence[Iterable[Note]], steps: int, bar: int = DEFAULT_BAR) -> Chorale:
    """Four lines of notes on the grid, each note to the nearest 16th; where notes of a line overlap the later sounds.

    Step 0 is a bar line; bars are `bar` 16ths long.
    """
    pitch = np.zeros((VOICES, steps), np.int64)
    onset = np.zeros((VOICES, steps), bool)
    onset[:, :1] = True
    for voice, notes in enumerate(voices):
        for note in sorted(notes):
            start, end = nearest_step(note.start), max(nearest_step(note.end), nearest_step(note.start) + 1)
            if start >= steps:
                continue
            pitch[voice, start:] = SILENT
            pitch[voice, start:end] = note.pitch
            onset[voice, start + 1 :] = False
            onset[voice, start] = True
            if end < steps:
                onset[voice, end] = True
    step = np.arange(steps)
    return Chorale(pitch, onset, step % bar, np.full(steps, bar))


def from_score(score: Score) -> Chorale:
    """The chorale of a score of four tracks, soprano first, in the score's first meter.

    Raises ValueError for another number of tracks.
    """
    if len(score.tracks) != VOICES:
        raise ValueError(f"a chorale has {VOICES} tracks, not {len(score.tracks)}")
    bar = score.meters[0].ticks_per_bar // TICKS_PER_STEP
    steps = -(-score.end // TICKS_PER_STEP)
    return from_voices([track.notes for track in score.tracks], steps, bar)


def nearest_step(tick: int) -> int:
    """The number of the 16th nearest to a tick, the later one of two equally near."""
    return (tick + TICKS_PER_STEP // 2) // TICKS_PER_STEP
