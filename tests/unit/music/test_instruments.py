from service.music.instruments import FAMILIES, INSTRUMENTS, instrument_name


def test_there_are_sixteen_families_of_eight_different_instruments() -> None:
    assert len(FAMILIES) == 16
    assert all(len(names) == 8 for names in FAMILIES.values())
    assert len(set(INSTRUMENTS)) == 128


def test_programs_have_their_general_midi_names() -> None:
    known = {
        0: "Acoustic Grand Piano",
        19: "Church Organ",
        32: "Acoustic Bass",
        40: "Violin",
        73: "Flute",
        127: "Gunshot",
    }
    assert {program: instrument_name(program) for program in known} == known


def test_a_drum_track_is_the_drum_kit_whatever_its_program() -> None:
    assert instrument_name(40, is_drum=True) == "Drum Kit"
