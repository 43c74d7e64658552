import io
import struct
import subprocess
import sys
import wave

import numpy as np
import pytest

from service.music.score import Note, Score, Tempo, Track
from service.music.soundfonts import SoundFontError, find_sound_font, sound_font_at
from service.music.synth import SAMPLE_RATE, AudioFormat, SynthesisError, render, synthesize

BEAT = 480  # half a second at 120 bpm
BUNDLED = find_sound_font(folders=())

# One instrument of each General MIDI family.
FAMILIES = {
    "piano": 0, "chromatic percussion": 8, "organ": 19, "guitar": 24, "bass": 33, "strings": 40, "ensemble": 48,
    "brass": 56, "reed": 68, "pipe": 73, "synth lead": 80, "synth pad": 88, "synth effects": 96, "ethnic": 104,
    "percussive": 114, "sound effects": 122,
}  # fmt: skip

STEADY = (0, 6, 8, 11, 16, 24, 32, 33, 40, 42, 48, 56, 60, 65, 68, 71, 73)  # sung and rung ones have no one pitch


def one_note(program: int = 0, pitch: int = 60, velocity: int = 80, beats: float = 4, start: float = 0) -> Score:
    return Score((Track((Note(int(start * BEAT), pitch, int(beats * BEAT), velocity),), program),))


def sound(score: Score) -> np.ndarray:
    """The samples, both channels mixed; float, shape (frames,)."""
    return synthesize(score, BUNDLED).mean(axis=1)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt((samples**2).mean()))


def seconds(samples: np.ndarray, begin: float, end: float) -> np.ndarray:
    return samples[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def cents_off(samples: np.ndarray, pitch: int) -> float:
    """How far the strongest partial near a pitch is from it, in cents; steps of 0.3 cents at middle C."""
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    window = samples[4410 : 4410 + 32_768] * np.hanning(32_768)
    spectrum, size = np.abs(np.fft.rfft(window, 1 << 20)), 1 << 20
    low, high = (int(wanted * 2 ** (semitones / 12) * size / SAMPLE_RATE) for semitones in (-1, 1))
    strongest = (low + spectrum[low:high].argmax()) * SAMPLE_RATE / size
    return float(1200 * np.log2(strongest / wanted))


@pytest.mark.parametrize("program", STEADY)
def test_pitches_are_within_20_cents(program):
    for pitch in (48, 60, 69, 81):
        assert abs(cents_off(sound(one_note(program, pitch, beats=3)), pitch)) <= 20


def timbre(program: int, velocity: int = 80) -> np.ndarray:
    """The strengths of 16 partials of middle C, at the attack and a second later; a vector of length 1."""
    samples, wanted = sound(one_note(program, velocity=velocity)), 440 * 2 ** (-9 / 12)
    strengths = []
    for part in (seconds(samples, 0.02, 0.3), seconds(samples, 0.8, 1.2)):
        part = np.pad(part, (0, max(0, 4096 - len(part))))
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        partial = np.rint(np.fft.rfftfreq(len(part), 1 / SAMPLE_RATE) / wanted)
        strengths += [float(np.linalg.norm(spectrum[partial == number])) for number in range(1, 17)]
    vector = np.array(strengths)
    return vector / np.linalg.norm(vector)


def test_the_families_of_general_midi_are_told_apart_by_their_spectra():
    timbres = {family: timbre(program) for family, program in FAMILIES.items()}
    alike = {
        (one, other): float(timbres[one] @ timbres[other]) for one in FAMILIES for other in FAMILIES if one < other
    }
    assert max(alike.values()) < 0.95, max(alike, key=alike.get)
    for family, program in FAMILIES.items():
        assert timbres[family] @ timbre(program, velocity=90) > 0.97, family


def test_drums_are_instruments_by_key_and_no_piano():
    kick, hat = (sound(Score((Track((Note(0, key, 120),), is_drum=True),))) for key in (36, 42))
    piano = sound(one_note(0, 36, beats=0.25))

    def brightness(samples: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(samples, 8820)) ** 2
        return float((np.fft.rfftfreq(8820, 1 / SAMPLE_RATE) * spectrum).sum() / spectrum.sum())

    assert brightness(kick) < 500 < 3000 < brightness(hat)
    assert brightness(piano) != pytest.approx(brightness(kick), rel=0.1)


def test_a_mix_that_would_clip_is_turned_down_as_a_whole():
    chord = tuple(Note(0, 36 + 3 * step, 4 * BEAT, 127) for step in range(16))
    samples = synthesize(Score(tuple(Track(chord, program) for program in (0, 19, 48, 56, 61))), BUNDLED)
    assert 0.9 < np.abs(samples).max() <= 0.99
    assert np.mean(np.abs(samples) > 0.98) < 0.001  # turned down, not cut off


def test_a_mix_that_would_not_clip_keeps_its_loudness():
    soft, loud = (np.abs(sound(one_note(velocity=velocity))).max() for velocity in (30, 100))
    assert 0 < 3 * soft < loud < 0.9


def test_notes_sound_when_the_tempo_says():
    score = Score((Track((Note(BEAT, 60, BEAT), Note(3 * BEAT, 60, BEAT))),), (Tempo(0, 120), Tempo(2 * BEAT, 60)))
    samples = sound(score)  # at 0.5 s and at 2 s
    assert np.abs(seconds(samples, 0, 0.499)).max() == 0
    assert rms(seconds(samples, 0.5, 0.6)) > 0.01
    assert rms(seconds(samples, 2.01, 2.1)) > 3 * rms(seconds(samples, 1.89, 1.99))


def test_a_repeated_note_is_struck_again():
    once = sound(Score((Track((Note(0, 60, 2 * BEAT),)),)))
    again = sound(Score((Track((Note(0, 60, BEAT), Note(BEAT, 60, BEAT))),)))
    assert rms(seconds(again, 0.51, 0.7)) > 1.2 * rms(seconds(once, 0.51, 0.7))


def test_the_release_of_the_last_note_is_kept_to_its_end():
    samples = sound(one_note(48, beats=1))  # strings: half a second, then the release
    assert len(samples) > 0.7 * SAMPLE_RATE
    assert rms(seconds(samples, 0.5, 0.6)) > 0.01
    assert np.abs(samples[-100:]).max() < 0.002


def test_what_rings_on_is_faded_out_after_eight_seconds():
    samples = sound(one_note(96, beats=1))  # half a second, then the release
    assert len(samples) == round(8.5 * SAMPLE_RATE)
    assert np.abs(seconds(samples, 8.3, 8.44)).max() > 1e-4
    assert np.abs(samples[-10:]).max() < 1e-5


def test_a_note_shorter_than_a_sample_does_not_hang():
    blip = Score((Track((Note(0, 60, 1),), 19),), (Tempo(0, 1e7),))
    assert len(sound(blip)) < 2 * SAMPLE_RATE


def test_the_same_score_gives_the_same_bytes_whatever_was_played_before():
    first = render(one_note(), AudioFormat.MP3, BUNDLED)
    render(one_note(48, beats=8), AudioFormat.WAV, BUNDLED)
    assert render(one_note(), AudioFormat.MP3, BUNDLED) == first


def test_wav_is_stereo_of_16_bits_at_44100_hz():
    rendering = render(one_note(), "WAV", BUNDLED)
    with wave.open(io.BytesIO(rendering.data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 44_100)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(samples) / 2 / 44_100 == rendering.seconds
    assert np.abs(samples).max() / 32767 == pytest.approx(rendering.peak, abs=1e-4)


def mp3_frames(data: bytes) -> list[tuple[int, int, int]]:
    """Every frame of an MP3 file as (version and layer, kilobits, sample rate), each right after the one before."""
    kilobits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    frames, position = [], 0
    while position < len(data):
        (header,) = struct.unpack_from(">I", data, position)
        assert header >> 21 == 0x7FF, f"no frame at byte {position}"
        rate, padding = (44_100, 48_000, 32_000)[header >> 10 & 3], header >> 9 & 1
        frames.append((header >> 17 & 15, kilobits[header >> 12 & 15], rate))
        position += 144_000 * frames[-1][1] // rate + padding
    assert position == len(data)
    return frames


def test_mp3_is_whole_frames_of_mpeg_layer_three_as_long_as_the_sound():
    rendering = render(one_note(), "MP3", BUNDLED)
    frames = mp3_frames(rendering.data)
    assert {(layer, rate) for layer, _, rate in frames} == {(0b1101, 44_100)}
    assert {bits for _, bits, _ in frames[1:]} == {192}
    assert len(frames) * 1152 / 44_100 == pytest.approx(rendering.seconds, abs=0.1)


def test_a_rendering_names_its_soundfont_and_licence_and_hides_its_bytes():
    rendering = render(one_note(), "WAV", BUNDLED)
    assert (rendering.sound_font, rendering.license, rendering.sample_rate) == ("TimGM6mb", "GPL-2.0", 44_100)
    assert len(repr(rendering)) < 100


def test_more_tracks_than_midi_channels_all_sound():
    notes = [Track((Note(index * BEAT, 60, BEAT // 2),), 19) for index in range(20)]
    samples = sound(Score(tuple(notes)))
    assert all(rms(seconds(samples, index / 2 + 0.05, index / 2 + 0.2)) > 0.01 for index in range(20))


def test_silence_is_not_rendered():
    with pytest.raises(SynthesisError, match="no notes"):
        render(Score(()), "MP3", BUNDLED)


def test_music_of_more_than_ten_minutes_is_not_rendered():
    with pytest.raises(SynthesisError, match="at most 600 s"):
        render(one_note(start=1196.01, beats=4), "MP3", BUNDLED)


@pytest.mark.slow
def test_ten_minutes_are_rendered():
    assert render(one_note(start=1196, beats=4), "MP3", BUNDLED).seconds > 600


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match="OGG"):
        render(one_note(), "OGG", BUNDLED)


def test_a_file_that_is_no_soundfont_is_refused(tmp_path):
    broken = tmp_path / "broken.sf2"
    broken.write_bytes(b"RIFF but no sounds")
    with pytest.raises(SoundFontError, match="cannot be read"):
        render(one_note(), "MP3", sound_font_at(broken))


def test_what_is_heavy_is_loaded_only_when_used():
    program = (
        "import sys, service.music.synth, service.music.picture, service.music.midi, service.samples\n"
        "print(sorted({'tinysoundfont', 'lameenc', 'PIL', 'pretty_midi', 'torch'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"
