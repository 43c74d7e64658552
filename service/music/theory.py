"""Keys, scales, chords and voice ranges: what theory says about sets of pitches.

Pitch classes are 0 (C) to 11 (B). Sets of them are frozensets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

_SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
PITCH_CLASS_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


class Mode(StrEnum):
    """A key's mode."""

    MAJOR = "major"
    MINOR = "minor"


SCALES: Mapping[Mode, frozenset[int]] = {
    Mode.MAJOR: frozenset({0, 2, 4, 5, 7, 9, 11}),
    Mode.MINOR: frozenset({0, 2, 3, 5, 7, 8, 10}),  # natural minor
}


def transposed(pitch_classes: Iterable[int], semitones: int) -> frozenset[int]:
    """The pitch classes moved by some semitones."""
    return frozenset((pitch_class + semitones) % 12 for pitch_class in pitch_classes)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A major or natural minor key, by its tonic's pitch class."""

    tonic: int
    mode: Mode = Mode.MAJOR

    @property
    def scale(self) -> frozenset[int]:
        """The pitch classes of the key."""
        return transposed(SCALES[self.mode], self.tonic)

    def __str__(self) -> str:
        return f"{PITCH_CLASS_NAMES[self.tonic]} {self.mode}"


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord by its root's pitch class and its quality, a name in CHORD_SHAPES."""

    root: int
    quality: str

    @property
    def pitch_classes(self) -> frozenset[int]:
        return transposed(CHORD_SHAPES[self.quality], self.root)

    def __str__(self) -> str:
        return f"{PITCH_CLASS_NAMES[self.root]} {self.quality}"


# Triads before seventh chords. A set that fits several (an augmented triad, a diminished seventh) is named by its bass.
CHORD_SHAPES: Mapping[str, frozenset[int]] = {
    "major": frozenset({0, 4, 7}),
    "minor": frozenset({0, 3, 7}),
    "diminished": frozenset({0, 3, 6}),
    "augmented": frozenset({0, 4, 8}),
    "dominant seventh": frozenset({0, 4, 7, 10}),
    "major seventh": frozenset({0, 4, 7, 11}),
    "minor seventh": frozenset({0, 3, 7, 10}),
    "half-diminished seventh": frozenset({0, 3, 6, 10}),
    "diminished seventh": frozenset({0, 3, 6, 9}),
    "minor major seventh": frozenset({0, 3, 7, 11}),
}


def _chords_by_pitch_classes() -> dict[frozenset[int], list[Chord]]:
    found: dict[frozenset[int], list[Chord]] = {}
    for quality in CHORD_SHAPES:
        for root in range(12):
            chord = Chord(root, quality)
            found.setdefault(chord.pitch_classes, []).append(chord)
    return found


_CHORDS_BY_PITCH_CLASSES = _chords_by_pitch_classes()
_TRIADS = tuple(pitch_classes for pitch_classes in _CHORDS_BY_PITCH_CLASSES if len(pitch_classes) == 3)


@dataclass(frozen=True, slots=True)
class VoiceRange:
    """The lowest and highest pitch a choir's voice is written for, both included."""

    name: str
    low: int
    high: int

    def holds(self, pitch: int) -> bool:
        return self.low <= pitch <= self.high


SOPRANO = VoiceRange("soprano", 60, 81)
ALTO = VoiceRange("alto", 53, 74)
TENOR = VoiceRange("tenor", 48, 69)
BASS = VoiceRange("bass", 36, 64)
VOICES = (SOPRANO, ALTO, TENOR, BASS)


def pitch_name(pitch: int) -> str:
    """A MIDI pitch in scientific notation, sharps throughout; 60 is C4."""
    return f"{_SHARP_NAMES[pitch % 12]}{pitch // 12 - 1}"


def name_chord(pitches: Iterable[int]) -> Chord | None:
    """The triad or seventh chord that exactly these pitches form, in any inversion and spacing, or None.

    Where the same pitch classes have several roots, the lowest pitch decides, if it is one of them.
    """
    sounding = sorted(pitches)
    candidates = _CHORDS_BY_PITCH_CLASSES.get(frozenset(pitch % 12 for pitch in sounding), [])
    for chord in candidates:
        if chord.root == sounding[0] % 12:
            return chord
    return candidates[0] if candidates else None


def is_chordal(pitches: Iterable[int]) -> bool:
    """Whether the pitches form a triad, a seventh chord, or a part of a triad; False for silence."""
    pitch_classes = frozenset(pitch % 12 for pitch in pitches)
    if not pitch_classes:
        return False
    return pitch_classes in _CHORDS_BY_PITCH_CLASSES or any(pitch_classes <= triad for triad in _TRIADS)


def in_scale(pitches: Iterable[int], key: Key) -> float:
    """The share of the pitches that belong to the key; 1 for none."""
    pitches = list(pitches)
    scale = key.scale
    return sum(pitch % 12 in scale for pitch in pitches) / len(pitches) if pitches else 1.0


def best_diatonic_key(weights: Mapping[int, float]) -> Key:
    """The key whose scale holds the most of the music; `weights` says how much of each pitch class there is.

    A major key and its relative minor have one scale; of the two, the one with the heavier tonic triad is chosen. Keys
    that are still even are ordered by tonic, so that the answer is always the same.
    """

    def fitness(key: Key) -> tuple[float, float, int]:
        triad = transposed(CHORD_SHAPES[key.mode.value], key.tonic)
        held = sum(weights.get(pitch_class, 0.0) for pitch_class in key.scale)
        return held, sum(weights.get(pitch_class, 0.0) for pitch_class in triad), -key.tonic

    return max((Key(tonic, mode) for mode in Mode for tonic in range(12)), key=fitness)


def pitch_class_weights(notes: Iterable[tuple[int, float]]) -> dict[int, float]:
    """How much of each pitch class there is, from pairs of pitch and weight (a duration, or 1)."""
    weights: dict[int, float] = {}
    for pitch, weight in notes:
        weights[pitch % 12] = weights.get(pitch % 12, 0.0) + weight
    return weights
