"""A score as sound: General MIDI instruments of a SoundFont, mixed to stereo, as a WAV or MP3 file.

The synthesizer is loaded when first used, and a SoundFont is parsed once in a process. Equal scores give equal bytes.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from service.music.audio import AudioFormat, encode
from service.music.score import Score
from service.music.soundfonts import SoundFont, SoundFontError, find_sound_font

SAMPLE_RATE = 44_100
MAX_SECONDS = 600  # of music: ten minutes of samples take a fifth of a gigabyte

_GAIN_DECIBELS = 6.0  # a single instrument comes out quiet otherwise
_MAX_VOICES = 256
_MAX_TAIL_SECONDS = 8.0
_TAIL_BLOCK_SECONDS = 0.25
_INAUDIBLE = 1e-4  # −80 dB
_FADE_SECONDS = 0.05
_CEILING = 0.99


class SynthesisError(ValueError):
    """Why a score cannot be rendered, in one sentence."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """An audio file, stereo. `seconds` is its length with the last notes' release, `peak` its loudest sample (0–1)."""

    data: bytes
    seconds: float
    sound_font: str
    license: str
    sample_rate: int
    peak: float

    def __repr__(self) -> str:
        return f"Rendering({len(self.data)} bytes, {self.seconds:.2f} s, {self.sound_font})"


@dataclass(frozen=True, slots=True, order=True)
class _Event:
    """A note's beginning or end; at the same frame, ends come first."""

    frame: int
    begins: bool
    channel: int
    pitch: int
    velocity: int


def render(score: Score, audio_format: AudioFormat | str, sound_font: SoundFont | None = None) -> Rendering:
    """The score as an audio file, with the best SoundFont found unless one is given.

    A mix that would clip is turned down as a whole, any other is left as it is. Raises SynthesisError for a score
    without notes, or longer than ten minutes; SoundFontError when no SoundFont can be found or read; ValueError for an
    unknown format.
    """
    audio_format = AudioFormat(audio_format)
    sound_font = sound_font or find_sound_font()
    samples = synthesize(score, sound_font)
    return Rendering(
        data=encode(samples, SAMPLE_RATE, audio_format),
        seconds=len(samples) / SAMPLE_RATE,
        sound_font=sound_font.name,
        license=sound_font.license,
        sample_rate=SAMPLE_RATE,
        peak=_peak(samples),
    )


def synthesize(score: Score, sound_font: SoundFont) -> np.ndarray:
    """The score's samples at 44,100 Hz, float32 within −1…1, shape (frames, 2). Raises as `render` does."""
    if score.note_count == 0:
        raise SynthesisError("The composition has no notes to play.")
    if score.seconds > MAX_SECONDS:
        raise SynthesisError(f"The music lasts {score.seconds:,.0f} s; at most {MAX_SECONDS} s can be rendered.")
    events = _events(score)
    synthesizer = _synthesizer(score, sound_font)
    samples = np.zeros((events[-1].frame + round(_MAX_TAIL_SECONDS * SAMPLE_RATE), 2), dtype=np.float32)
    position = 0
    for event in events:
        _fill(synthesizer, samples[position : event.frame])
        position = event.frame
        if event.begins:
            synthesizer.channel_note_on(event.channel, event.pitch, event.velocity / 127)
        else:
            synthesizer.channel_note_off(event.channel, event.pitch)
    end = _fill_tail(synthesizer, samples, position)
    samples = samples[:end]
    samples *= min(1.0, _CEILING / max(_peak(samples), _INAUDIBLE))
    return samples


def _events(score: Score) -> list[_Event]:
    events = []
    for channel, track in enumerate(score.tracks):
        for note in track.notes:
            begin = round(score.seconds_at(note.start) * SAMPLE_RATE)
            end = max(round(score.seconds_at(note.end) * SAMPLE_RATE), begin + 1)
            events.append(_Event(begin, True, channel, note.pitch, note.velocity))
            events.append(_Event(end, False, channel, note.pitch, 0))
    return sorted(events)


def _synthesizer(score: Score, sound_font: SoundFont) -> Any:
    """A synthesizer at rest, with one channel a track."""
    from tinysoundfont._tinysoundfont import OutputMode
    from tinysoundfont._tinysoundfont import SoundFont as Synthesizer  # only this class can copy a parsed SoundFont

    synthesizer = Synthesizer(_parsed(sound_font.path))
    synthesizer.set_output(OutputMode.StereoInterleaved, SAMPLE_RATE, _GAIN_DECIBELS)
    synthesizer.set_max_voices(_MAX_VOICES)
    for channel, track in enumerate(score.tracks):
        synthesizer.channel_set_preset_number(channel, track.program, track.is_drum)
    return synthesizer


@lru_cache(maxsize=1)
def _parsed(path: Path) -> Any:
    from tinysoundfont._tinysoundfont import SoundFont as Synthesizer

    try:
        return Synthesizer(str(path))
    except (RuntimeError, OSError) as error:
        raise SoundFontError(f"The SoundFont {path} cannot be read.") from error


def _fill(synthesizer: Any, samples: np.ndarray) -> None:
    if len(samples):
        synthesizer.render(samples.data.cast("B"))


def _fill_tail(synthesizer: Any, samples: np.ndarray, position: int) -> int:
    """Let the last notes ring until they are inaudible, or fade them out; the frame at which the sound ends."""
    block = round(_TAIL_BLOCK_SECONDS * SAMPLE_RATE)
    while position < len(samples):
        ringing = samples[position : position + block]
        _fill(synthesizer, ringing)
        if _peak(ringing) < _INAUDIBLE:
            return position
        position += len(ringing)
    fade = round(_FADE_SECONDS * SAMPLE_RATE)
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, np.newaxis]
    return len(samples)


def _peak(samples: np.ndarray) -> float:
    return float(max(samples.max(initial=0), -samples.min(initial=0)))
