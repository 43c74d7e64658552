"""Standard MIDI files written byte by byte, so that the reader is tested against the format and not against itself."""

import struct

END_OF_TRACK = b"\x00\xff\x2f\x00"


def variable_length(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack(">I", len(data)) + data


def midi_file(*tracks: bytes, division: int = 480, midi_format: int = 1, promised: int | None = None) -> bytes:
    header = struct.pack(">HHH", midi_format, len(tracks) if promised is None else promised, division)
    return chunk(b"MThd", header) + b"".join(chunk(b"MTrk", track) for track in tracks)


def event(delta: int, *message: int) -> bytes:
    return variable_length(delta) + bytes(message)


def note_on(delta: int, pitch: int = 60, velocity: int = 80, channel: int = 0) -> bytes:
    return event(delta, 0x90 | channel, pitch, velocity)


def note_off(delta: int, pitch: int = 60, channel: int = 0) -> bytes:
    return event(delta, 0x80 | channel, pitch, 0)


def tempo(delta: int, microseconds: int) -> bytes:
    return event(delta, 0xFF, 0x51, 3, *microseconds.to_bytes(3, "big"))


def meter(delta: int, numerator: int, power_of_two: int) -> bytes:
    return event(delta, 0xFF, 0x58, 4, numerator, power_of_two, 24, 8)


def one_note(delta: int = 480) -> bytes:
    return note_on(0) + note_off(delta) + END_OF_TRACK
