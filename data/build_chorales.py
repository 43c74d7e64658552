"""Builds the chorale arrays: four-part Bach chorales out of music21's corpus, on a grid of 16ths.

    python data/build_chorales.py [--out service/samples/datasets/bach/chorales.npz]

A piece is read part by part (soprano, alto, tenor, bass). At every 16th the sounding note is sampled; it is an onset
when it did not sound a 16th before, else a hold. Shorter notes between two grid points are lost. The position in the
bar counts pickups from the end of the bar they lead to. `chorales-split.json` says which part of the standard JSB split
a piece belongs to; pieces that it does not name (duplicates, or no match) are left out.

A tune counts as seen when a training piece's soprano shares most of its melodic figures (see `SEEN_SHARE`).
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import music21
import numpy as np

from service.music.chorales import SILENT, Chorale, write_chorales

HERE = Path(__file__).parent
SPLIT_FILE = HERE / "chorales-split.json"
OUTPUT = HERE.parent / "service" / "samples" / "datasets" / "bach" / "chorales.npz"

STEPS_PER_QUARTER = 4
FIGURE = 8  # successive melodic intervals in one figure
SEEN_SHARE = 0.25  # of a soprano's figures found in one training soprano


class Unusable(Exception):
    """The file is not a chorale in four single-line parts."""


def read_piece(name: str, split: str) -> Chorale:
    """Raises Unusable when the corpus file has other than four parts or a chord in a part."""
    score = music21.corpus.parse(f"bach/{name}")
    parts = list(score.parts)
    if len(parts) != 4:
        raise Unusable(f"{len(parts)} parts")
    steps = round(max(part.highestTime for part in parts) * STEPS_PER_QUARTER)
    voices = [_sample(part, steps) for part in parts]
    position, bar = _bars(parts[0], steps)
    pitch, onset = (np.stack(rows) for rows in zip(*voices, strict=True))
    return Chorale(pitch, onset, position, bar, name, split)


def _sample(part: music21.stream.Part, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The sounding pitch at each 16th, and where it began: (steps,) each."""
    pitch = np.full(steps, SILENT, np.uint8)
    source = np.full(steps, -1)
    for index, note in enumerate(part.stripTies().flatten().notes):
        if note.isChord:
            raise Unusable("a chord in a part")
        start = _ceiling(Fraction(note.offset) * STEPS_PER_QUARTER)
        end = _ceiling((Fraction(note.offset) + Fraction(note.quarterLength)) * STEPS_PER_QUARTER)
        pitch[start:end] = note.pitch.midi
        source[start:end] = index
    onset = np.diff(source, prepend=-2) != 0
    return pitch, onset


def _ceiling(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _bars(part: music21.stream.Part, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """For each 16th its position in the bar and the length of that bar: (steps,) each."""
    position, bar = np.zeros(steps, np.uint8), np.zeros(steps, np.uint8)
    next_position = None
    for measure in part.getElementsByClass(music21.stream.Measure):
        length = round(measure.barDuration.quarterLength * STEPS_PER_QUARTER)
        start = round(measure.offset * STEPS_PER_QUARTER)
        end = min(start + round(measure.duration.quarterLength * STEPS_PER_QUARTER), steps)
        if next_position is None:
            next_position = length - (end - start)  # a pickup ends at the bar line
        count = np.arange(end - start) + next_position
        position[start:end], bar[start:end] = count % length, length
        next_position = (next_position + end - start) % length
    return position, bar


def melodic_figures(piece: Chorale) -> set[tuple[int, ...]]:
    """All runs of FIGURE successive soprano intervals: transposition and rhythm do not count."""
    pitches = [int(pitch) for pitch, onset in zip(piece.pitch[0], piece.onset[0], strict=True) if onset and pitch]
    intervals = [after - before for before, after in pairwise(pitches)]
    return {tuple(intervals[at : at + FIGURE]) for at in range(len(intervals) - FIGURE + 1)}


def seen_tunes(pieces: list[Chorale]) -> dict[str, bool]:
    """By piece name, whether its soprano tune also stands in a training piece (always true of training pieces)."""
    train = [melodic_figures(piece) for piece in pieces if piece.split == "train"]
    seen = {}
    for piece in pieces:
        own = melodic_figures(piece)
        shared = max(len(own & other) for other in train) / max(len(own), 1)
        seen[piece.name] = piece.split == "train" or shared >= SEEN_SHARE
    return seen


def read_all(split: dict[str, str]) -> Iterator[Chorale]:
    for name in sorted(split):
        try:
            yield read_piece(name, split[name])
        except Unusable as reason:
            print(f"left out {name}: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    pieces = list(read_all(json.loads(SPLIT_FILE.read_text())))
    seen = seen_tunes(pieces)
    pieces = [replace(piece, seen=seen[piece.name]) for piece in pieces]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_chorales(arguments.out, pieces)
    for part in ("train", "valid", "test"):
        chosen = [piece for piece in pieces if piece.split == part]
        steps = sum(piece.steps for piece in chosen)
        print(f"{part}: {len(chosen)} pieces, {sum(piece.seen for piece in chosen)} of seen tunes, {steps} 16ths")


if __name__ == "__main__":
    main()
