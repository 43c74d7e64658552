"""Build the sample melodies: the text scores in `data/melodies` become MIDI files and an index in `service/samples`.

    python data/build_melodies.py

The tunes are in the public domain and were written down for this project. A text score has a header and tracks of one
or more voices. A voice is a row of notes, bars parted by `|` or a line's end, every bar checked for its length:

    F#4/4. G4/8 r/2        pitch and length: a dotted quarter, an eighth, a half rest; a length holds until the next
    [C3 E3 G3]/2           a chord
    F4/4~ | F4/4           a tie
    (C4/8 E4)x2            a repetition within a bar
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from service.music.bars import bar_starts
from service.music.midi import write_midi
from service.music.score import TICKS_PER_BEAT, Meter, Note, Score, Tempo, Track

SOURCES = Path(__file__).parent / "melodies"
TARGET = Path(__file__).parents[1] / "service" / "samples" / "melodies"
LICENSE = "Public domain"

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}
_PITCH = re.compile(r"([A-G])([#b]?)(-?\d)")
_TOKEN = re.compile(r"(?P<what>r|\[[^\]]+\]|[A-G][#b]?-?\d)(?:/(?P<length>\d+)(?P<dots>\.*))?(?P<tie>~?)")
_REPEAT = re.compile(r"\(([^()]*)\)x(\d+)")


class NotationError(ValueError):
    """A text score that does not say what it should, with the place."""


@dataclass(frozen=True)
class Tune:
    """A text score: its header, and the music."""

    header: dict[str, str]
    score: Score


def read_tune(text: str) -> Tune:
    """The tune that a text score notates. Raises NotationError, naming the bar at fault."""
    blocks = re.split(r"^track ", text, flags=re.MULTILINE)
    header = dict(line.split(": ", 1) for line in blocks[0].strip().splitlines())
    numerator, denominator = map(int, header["meter"].split("/"))
    meter = Meter(0, numerator, denominator)
    tracks = tuple(_read_track(block, meter) for block in blocks[1:])
    return Tune(header, Score(tracks, (Tempo(0, float(header["tempo"])),), (meter,)))


def _read_track(block: str, meter: Meter) -> Track:
    title, *voices = re.split(r"^voice$", block, flags=re.MULTILINE)
    name, program = title.strip().split(", program ")
    notes = [note for voice in voices for note in _read_voice(voice, meter)]
    return Track(tuple(notes), int(program), name=name)


def _read_voice(text: str, meter: Meter) -> Iterator[Note]:
    bars = [bar.strip() for bar in re.split(r"[|\n]", text) if bar.strip()]
    length = Fraction(1, 4)
    tick = 0
    tied: dict[int, Note] = {}
    for number, bar in enumerate(bars):
        for token in _tokens(bar, number):
            if token["length"]:
                length = _length(int(token["length"]), len(token["dots"]))
            duration = int(length * 4 * TICKS_PER_BEAT)
            sounding = {pitch: _extended(tied, pitch, tick, duration) for pitch in _pitches(token["what"])}
            tied = sounding if token["tie"] else {}
            if not token["tie"]:
                yield from sounding.values()
            tick += duration
        if tick != (number + 1) * meter.ticks_per_bar:
            raise NotationError(f"bar {number + 1} does not fill {meter.numerator}/{meter.denominator}: {bar}")


def _tokens(bar: str, number: int) -> list[re.Match[str]]:
    written_out = _REPEAT.sub(lambda match: " ".join([match[1]] * int(match[2])), bar)
    tokens = list(_TOKEN.finditer(written_out))
    if "".join(written_out.split()) != "".join(re.sub(r"\s", "", token[0]) for token in tokens):
        raise NotationError(f"bar {number + 1} holds something that is not a note: {bar}")
    return tokens


def _length(unit: int, dots: int) -> Fraction:
    """A note's length in whole notes; each dot adds half of what was added before."""
    return Fraction(2 ** (dots + 1) - 1, unit * 2**dots)


def _pitches(what: str) -> list[int]:
    return [
        12 * (int(octave) + 1) + _SEMITONES[letter] + _ACCIDENTALS[accidental]
        for letter, accidental, octave in _PITCH.findall(what)
    ]


def _extended(tied: dict[int, Note], pitch: int, tick: int, duration: int) -> Note:
    if pitch in tied:
        begun = tied[pitch]
        return Note(begun.start, pitch, begun.duration + duration)
    return Note(tick, pitch, duration)


def describe(name: str, tune: Tune) -> dict[str, object]:
    """The tune's row in the index."""
    header, score = tune.header, tune.score
    return {
        "id": name,
        "name": header["name"],
        "composer": header["composer"],
        "license": LICENSE,
        "recommendedFor": header["recommended for"].split(", "),
        "key": header["key"],
        "meter": header["meter"],
        "tempo": float(header["tempo"]),
        "bars": len(bar_starts(score)),
        "seconds": round(score.seconds, 2),
    }


def build() -> dict[str, bytes]:
    """Every file of the sample melodies, by name."""
    tunes = {path.stem: read_tune(path.read_text("utf-8")) for path in sorted(SOURCES.glob("*.txt"))}
    index = [describe(name, tune) for name, tune in tunes.items()]
    files = {f"{name}.mid": write_midi(tune.score) for name, tune in tunes.items()}
    files["index.json"] = (json.dumps(index, indent=2, ensure_ascii=False) + "\n").encode()
    return files


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, data in build().items():
        (TARGET / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
