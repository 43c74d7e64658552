"""Thirty seconds of five tracks to MP3, as a share of the music's length."""

import statistics
import time
from collections.abc import Callable

from service.music.audio import encode
from service.music.score import TICKS_PER_BEAT, Note, Score, Tempo, Track
from service.music.soundfonts import find_sound_font
from service.music.synth import SAMPLE_RATE, AudioFormat, render, synthesize
from tests.benchmarks.result import Result

BARS = 15  # at 120 bpm, thirty seconds
ROUNDS = 7
CHORDS = ((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))


def five_tracks() -> Score:
    """Flute, piano, bass, strings and drums: 645 notes in thirty seconds."""
    beat, eighth, bar = TICKS_PER_BEAT, TICKS_PER_BEAT // 2, 4 * TICKS_PER_BEAT
    flute, piano, bass, strings, drums = [], [], [], [], []
    for number in range(BARS):
        start, chord = number * bar, CHORDS[number % len(CHORDS)]
        flute += [Note(start + i * eighth, chord[i % 3] + 12, eighth - 10, 90) for i in range(8)]
        piano += [Note(start + i * beat, pitch, beat - 20, 70) for i in range(4) for pitch in chord]
        bass += [Note(start + i * eighth, chord[0] - 24, eighth - 20, 85) for i in range(8)]
        strings += [Note(start, pitch, bar - 20, 60) for pitch in chord]
        drums += [Note(start + i * eighth, 42, 60, 70) for i in range(8)]
        drums += [Note(start + i * beat, 38 if i % 2 else 36, 100, 100) for i in range(4)]
    return Score(
        tracks=(
            Track(tuple(flute), 73),
            Track(tuple(piano), 0),
            Track(tuple(bass), 33),
            Track(tuple(strings), 48),
            Track(tuple(drums), is_drum=True),
        ),
        tempos=(Tempo(0, 120.0),),
    )


def run() -> list[Result]:
    score, sound_font = five_tracks(), find_sound_font()
    render(score, AudioFormat.MP3, sound_font)  # the SoundFont is parsed once in a process
    samples = synthesize(score, sound_font)
    whole = _seconds(lambda: render(score, AudioFormat.MP3, sound_font))
    alone = _seconds(lambda: synthesize(score, sound_font))
    encoding = _seconds(lambda: encode(samples, SAMPLE_RATE, AudioFormat.MP3))
    return [
        Result(
            "30 s of five tracks to MP3, share of the music's length",
            whole / score.seconds,
            "ratio",
            "≤ 0.1, reach 0.033",
            f"{whole:.2f} s: {alone:.2f} s synthesis, {encoding:.2f} s MP3; {sound_font.name}",
        )
    ]


def _seconds(work: Callable[[], object]) -> float:
    """The median time of one round."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
