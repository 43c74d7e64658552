"""Standard MIDI files to and from scores: `read_midi` and `write_midi`, a mirrored pair.

Any resolution is normalised to 480 ticks to the beat. A note's start and its end are each rounded to the nearest tick
(halves upwards), and a note that would vanish keeps one tick. What a score has no place for is left out: controllers,
pedals, pitch bend, lyrics, tracks without notes, and notes that are never ended. Notes of one pitch that overlap in one
track stay two notes; MIDI does not say which of the two a note-off ends, so the one that began first ends first.
"""

import struct
from fractions import Fraction

import numpy as np
from symusic.core import NoteTickList, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from service.music.score import TICKS_PER_BEAT, Meter, Note, Score, Tempo, Track

MAX_BYTES = 512 * 1024
MAX_NOTES = 20_000
MAX_TRACKS = 64
MAX_SECONDS = 3600
MAX_BPM = 1000
MAX_NAME = 128
MAX_METER_NUMERATOR = 64
MAX_METER_DENOMINATOR = 64

_HEADER = struct.Struct(">4sIHHH")  # "MThd", length, format, tracks, division
_CHUNK = struct.Struct(">4sI")
_BPM_DECIMALS = 3  # finer than MIDI's microseconds a beat up to 245 bpm, so that 90 bpm is read back as 90


class MidiError(ValueError):
    """Why some bytes are not music that can be used here, in one sentence."""


def read_midi(data: bytes, *, allow_no_notes: bool = False) -> Score:
    """The music in a standard MIDI file of format 0 or 1.

    Raises MidiError when the data are empty, not MIDI, cut short or damaged, timed in film frames (SMPTE), without
    notes (unless allowed), or beyond the limits of this module: 512 KiB, 20,000 notes, 64 tracks, one hour.
    """
    _check_chunks(data)
    try:
        file = ScoreTick.from_midi(data)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise MidiError("The MIDI data is damaged: a track holds bytes that are not MIDI events.") from error
    _check_size(file, allow_no_notes)
    scale = Fraction(TICKS_PER_BEAT, file.ticks_per_quarter)
    score = Score(
        tracks=tuple(_read_track(track, scale) for track in file.tracks if len(track.notes)),
        tempos=_read_tempos(file, scale),
        meters=_read_meters(file, scale),
    )
    if score.seconds > MAX_SECONDS:
        raise MidiError(f"The music lasts {score.seconds:,.0f} seconds; at most {MAX_SECONDS:,} are allowed.")
    return score


def write_midi(score: Score) -> bytes:
    """The score as a format 1 file, one chunk a track: drums on channel 10, the others on channels of their own.

    There are 15 such channels; further tracks share them in turn. Equal scores give equal bytes.
    Raises MidiError when a note is outside of what MIDI can say.
    """
    file = ScoreTick(TICKS_PER_BEAT)
    for tempo in score.tempos:
        file.tempos.append(TempoTick(tempo.tick, mspq=round(60_000_000 / tempo.bpm)))
    for meter in score.meters:
        file.time_signatures.append(TimeSignatureTick(meter.tick, meter.numerator, meter.denominator))
    for track in score.tracks:
        file.tracks.append(_written_track(track))
    return bytes(file.dumps_midi())


def _check_chunks(data: bytes) -> None:
    """Refuse, by the outer structure alone, what the parser need not see."""
    if not data:
        raise MidiError("The MIDI data is empty.")
    if len(data) > MAX_BYTES:
        raise MidiError(f"The MIDI data has {len(data):,} bytes; at most {MAX_BYTES:,} are allowed.")
    if not data.startswith(b"MThd"):
        raise MidiError("The data is not a standard MIDI file: it does not begin with MThd.")
    if len(data) < _HEADER.size:
        raise MidiError("The MIDI data is cut short: its header is incomplete.")
    _, header_length, midi_format, promised, division = _HEADER.unpack_from(data)
    if header_length < 6:
        raise MidiError("The MIDI data is damaged: its header has the wrong length.")
    if midi_format not in (0, 1):
        raise MidiError(f"The MIDI file has format {midi_format}; only formats 0 and 1 are one piece of music.")
    if division & 0x8000:
        raise MidiError("The MIDI file is timed in film frames (SMPTE); only ticks per quarter note are supported.")
    if division == 0:
        raise MidiError("The MIDI data is damaged: it has no ticks in a quarter note.")
    found = _count_tracks(data, _CHUNK.size + header_length)
    if found < promised:
        raise MidiError(
            f"The MIDI data is cut short: its header promises {promised:,} tracks, and {found:,} are there."
        )


def _count_tracks(data: bytes, position: int) -> int:
    found = 0
    while position + _CHUNK.size <= len(data):
        kind, length = _CHUNK.unpack_from(data, position)
        position += _CHUNK.size + length
        if position > len(data):
            raise MidiError("The MIDI data is cut short: a chunk is longer than what is left.")
        found += kind == b"MTrk"
    return found


def _check_size(file: ScoreTick, allow_no_notes: bool) -> None:
    counts = [len(track.notes) for track in file.tracks if len(track.notes)]
    if not counts and not allow_no_notes:
        raise MidiError("The MIDI file has no notes.")
    if sum(counts) > MAX_NOTES:
        raise MidiError(f"The MIDI file has {sum(counts):,} notes; at most {MAX_NOTES:,} are allowed.")
    if len(counts) > MAX_TRACKS:
        raise MidiError(f"The MIDI file has {len(counts):,} tracks with notes; at most {MAX_TRACKS} are allowed.")


def _read_track(track: TrackTick, scale: Fraction) -> Track:
    columns = track.notes.numpy()
    onsets = columns["time"].astype(np.int64)
    lengths = columns["duration"].astype(np.int64)
    if onsets.min() < 0 or lengths.min() < 0:  # the parser counts ticks in 32 bits
        raise MidiError(f"The music lasts more than {MAX_SECONDS:,} seconds: its ticks cannot be counted.")
    starts = _rounded(onsets, scale)
    durations = np.maximum(_rounded(onsets + lengths, scale) - starts, 1)
    notes = zip(
        starts.tolist(), columns["pitch"].tolist(), durations.tolist(), columns["velocity"].tolist(), strict=True
    )
    name = "".join(character for character in track.name if character.isprintable())[:MAX_NAME]
    return Track(tuple(Note(*note) for note in notes), int(track.program), bool(track.is_drum), name)


def _rounded(ticks: np.ndarray, scale: Fraction) -> np.ndarray:
    """Ticks in our resolution, halves rounded upwards, in whole numbers throughout."""
    return (2 * ticks * scale.numerator + scale.denominator) // (2 * scale.denominator)


def _read_tempos(file: ScoreTick, scale: Fraction) -> tuple[Tempo, ...]:
    latest: dict[int, Tempo] = {}
    for event in file.tempos:
        if event.mspq * MAX_BPM < 60_000_000:
            raise MidiError(f"The MIDI file sets a tempo of more than {MAX_BPM:,} beats a minute.")
        tick = _position(event.time, scale)
        latest[tick] = Tempo(tick, round(60_000_000 / event.mspq, _BPM_DECIMALS))
    return tuple(latest.values())


def _read_meters(file: ScoreTick, scale: Fraction) -> tuple[Meter, ...]:
    latest: dict[int, Meter] = {}
    for event in file.time_signatures:
        possible = 1 <= event.numerator <= MAX_METER_NUMERATOR and 1 <= event.denominator <= MAX_METER_DENOMINATOR
        if not possible:
            raise MidiError(
                f"The MIDI file sets an impossible meter; the beats of a bar must be 1 to {MAX_METER_NUMERATOR}, "
                f"their unit a whole note to a {MAX_METER_DENOMINATOR}th."
            )
        tick = _position(event.time, scale)
        latest[tick] = Meter(tick, int(event.numerator), int(event.denominator))
    return tuple(latest.values())


def _position(time: int, scale: Fraction) -> int:
    if time < 0:
        raise MidiError(f"The music lasts more than {MAX_SECONDS:,} seconds: its ticks cannot be counted.")
    return (2 * int(time) * scale.numerator + scale.denominator) // (2 * scale.denominator)


def _written_track(track: Track) -> TrackTick:
    columns = np.array(
        [(note.start, note.duration, note.pitch, note.velocity) for note in track.notes], dtype=np.int64
    ).reshape(-1, 4)
    low, high = (0, 1, 0, 1), (2**28 - 1, 2**28 - 1, 127, 127)
    if ((columns < low) | (columns > high)).any():
        raise MidiError(
            "A note cannot be written as MIDI: its start must be 0 or more, its duration 1 or more, "
            "its pitch 0 to 127 and its velocity 1 to 127."
        )
    times, durations = columns[:, :2].T.astype(np.int32)
    pitches, velocities = columns[:, 2:].T.astype(np.int8)
    written = TrackTick(track.name, track.program, track.is_drum)
    written.notes = NoteTickList.from_numpy(*map(np.ascontiguousarray, (times, durations, pitches, velocities)))
    return written
