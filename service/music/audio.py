"""Samples to audio files: 16-bit WAV and MP3. The encoder is loaded when first used."""

import io
import wave
from enum import StrEnum

import numpy as np

_FULL_SCALE = 32767
_MP3_KILOBITS = 192
_MP3_QUALITY = 7  # LAME's own default costs twice the time; at this bit rate the difference is not heard


class AudioFormat(StrEnum):
    """The file formats that music can be rendered to."""

    MP3 = "MP3"
    WAV = "WAV"


def encode(samples: np.ndarray, sample_rate: int, audio_format: AudioFormat) -> bytes:
    """An audio file of samples, float in −1…1, shape (frames, channels). Equal samples give equal bytes."""
    pcm = np.rint(samples * _FULL_SCALE).astype("<i2")
    if audio_format is AudioFormat.WAV:
        return _wav(pcm, sample_rate)
    return _mp3(pcm, sample_rate)


def _wav(pcm: np.ndarray, sample_rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(pcm.shape[1])
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(pcm.tobytes())
    return file.getvalue()


def _mp3(pcm: np.ndarray, sample_rate: int) -> bytes:
    import lameenc

    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(pcm.shape[1])
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_bit_rate(_MP3_KILOBITS)
    encoder.set_quality(_MP3_QUALITY)
    return bytes(encoder.encode(pcm.tobytes())) + bytes(encoder.flush())
