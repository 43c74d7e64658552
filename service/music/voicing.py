"""Any music as four voices on a grid of 16ths, as a choir would share it out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from service.music.bars import bar_starts
from service.music.chorales import STEPS_PER_BEAT, VOICES, nearest_step
from service.music.score import TICKS_PER_STEP, Meter, Note, Score

VOICE_CENTERS = (69, 64, 59, 50)  # MIDI pitch; about where Bach's voices lie
SOPRANO_LOW, SOPRANO_HIGH = 57, 81
OCTAVE = 12
CHOIR_LOW, CHOIR_HIGH = 36, 81
BUSY_COST = 24  # semitones that a singer would rather leap than break off a note
SHORT_GAP = 2  # 16ths of silence after a note that a singer would sing through


@dataclass(frozen=True, slots=True)
class SungNote:
    """A note of the music in one of the voices: 16ths `start` to `end` of the grid, at `pitch` there."""

    note: Note
    voice: int
    start: int
    end: int
    pitch: int


@dataclass(frozen=True, eq=False)
class Voicing:
    """Music shared out among four voices.

    Step 0 of the grid is the 16th `first_step` of the music, always on a beat. Pitches on the grid are those of the
    music plus `shift`, whole octaves. `unsung` are notes that found no voice: more than four at once, or out of range.
    """

    sung: tuple[SungNote, ...]
    unsung: tuple[Note, ...]
    shift: int
    first_step: int
    position: np.ndarray  # (T,) 16ths since the bar line
    bar: np.ndarray  # (T,) length of the bar in 16ths

    @property
    def steps(self) -> int:
        return len(self.position)


def first_bars(score: Score, bars: int) -> Score:
    """The music of the first bars; a note that sounds over their end is cut there."""
    starts = bar_starts(score)
    if len(starts) <= bars:
        return score
    end = int(starts[bars])
    return Score(
        tracks=tuple(track.with_notes(_cut(track.notes, end)) for track in score.tracks),
        tempos=tuple(tempo for tempo in score.tempos if tempo.tick < end),
        meters=tuple(meter for meter in score.meters if meter.tick < end),
    )


def _cut(notes: Iterable[Note], end: int) -> list[Note]:
    return [
        Note(note.start, note.pitch, min(note.duration, end - note.start), note.velocity)
        for note in notes
        if note.start < end
    ]


def voice_out(notes: Sequence[Note], meters: Sequence[Meter]) -> Voicing:
    """Shares out one or more notes.

    At each 16th the beginning notes go, in the order of their pitches, to the voices nearest to them, preferably to
    voices that are silent. A single line is the soprano. Triplets and other finer rhythms go to the nearest 16th.
    Raises ValueError when there are no notes.
    """
    if not notes:
        raise ValueError("there are no notes")
    shift = _octaves_to_choir(notes)
    first_step = nearest_step(min(note.start for note in notes)) // STEPS_PER_BEAT * STEPS_PER_BEAT
    steps = max(_end_step(note) for note in notes) - first_step
    by_start: dict[int, list[Note]] = {}
    for note in notes:
        by_start.setdefault(nearest_step(note.start) - first_step, []).append(note)
    is_line = all(len(group) == 1 for group in by_start.values())
    lines: list[list[SungNote]] = [[] for _ in range(VOICES)]
    unsung: list[Note] = []
    for start, group in sorted(by_start.items()):
        singable = [note for note in group if CHOIR_LOW <= note.pitch + shift <= CHOIR_HIGH]
        unsung += [note for note in group if note not in singable]
        singable.sort(key=lambda note: -note.pitch)
        while len(singable) > VOICES:  # the outer notes matter most
            unsung.append(singable.pop(VOICES // 2))
        voices = (0,) * len(singable) if is_line else _voices_for(singable, shift, start, lines)
        for voice, note in zip(voices, singable, strict=True):
            end = max(_end_step(note) - first_step, start + 1)
            lines[voice].append(SungNote(note, voice, start, end, note.pitch + shift))
    position, bar = _places(meters, first_step, steps)
    sung = tuple(each for line in lines for each in _smoothed(line, steps))
    return Voicing(sung, tuple(unsung), shift, first_step, position, bar)


def _end_step(note: Note) -> int:
    return max(nearest_step(note.end), nearest_step(note.start) + 1)


def _octaves_to_choir(notes: Sequence[Note]) -> int:
    """The whole octaves, in semitones, that bring the upper line best into a soprano's range; the fewest that do."""
    top: dict[int, int] = {}
    for note in notes:
        step = nearest_step(note.start)
        top[step] = max(top.get(step, 0), note.pitch)
    pitches = np.array(list(top.values()))

    def misfit(shift: int) -> tuple[int, int]:
        moved = pitches + shift
        return int(((moved < SOPRANO_LOW) | (moved > SOPRANO_HIGH)).sum()), abs(shift)

    return min(range(-8 * OCTAVE, 9 * OCTAVE, OCTAVE), key=misfit)


def _voices_for(group: Sequence[Note], shift: int, start: int, lines: Sequence[Sequence[SungNote]]) -> tuple[int, ...]:
    """The voices, upper first, that suit these notes best (upper first)."""

    def cost(voices: tuple[int, ...]) -> int:
        leap = sum(abs(note.pitch + shift - VOICE_CENTERS[voice]) for voice, note in zip(voices, group, strict=True))
        busy = sum(bool(lines[voice]) and lines[voice][-1].end > start for voice in voices)
        return leap + BUSY_COST * busy

    return min(combinations(range(VOICES), len(group)), key=cost)


def _smoothed(line: Sequence[SungNote], steps: int) -> list[SungNote]:
    """The line with each note ending before the next, and sung through short gaps."""
    smoothed = []
    for at, each in enumerate(line):
        following = line[at + 1].start if at + 1 < len(line) else steps
        end = min(each.end, following)
        if following - end <= SHORT_GAP:
            end = following
        smoothed.append(SungNote(each.note, each.voice, each.start, end, each.pitch))
    return smoothed


def _places(meters: Sequence[Meter], first_step: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """For each 16th its position in the bar and the bar's length, both in 16ths: (steps,) each."""
    ticks = (np.arange(steps) + first_step) * TICKS_PER_STEP
    current = np.searchsorted([meter.tick for meter in meters], ticks, side="right") - 1
    begins = np.array([meter.tick for meter in meters])[current]
    length = np.array([max(meter.ticks_per_bar, TICKS_PER_STEP) for meter in meters])[current]
    position = (ticks - begins) % length // TICKS_PER_STEP
    return position, np.maximum(length // TICKS_PER_STEP, 1)
