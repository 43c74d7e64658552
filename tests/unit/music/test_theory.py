import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.music.theory import (
    ALTO,
    BASS,
    CHORD_SHAPES,
    SOPRANO,
    TENOR,
    Chord,
    Key,
    Mode,
    best_diatonic_key,
    in_scale,
    is_chordal,
    name_chord,
    pitch_class_weights,
    pitch_name,
)


@pytest.mark.parametrize(
    ("pitches", "name"),
    [
        ((60, 64, 67), "C major"),
        ((64, 67, 72), "C major"),  # first inversion
        ((43, 60, 64, 72), "C major"),  # second inversion, doubled
        ((57, 60, 64), "A minor"),
        ((59, 62, 65), "B diminished"),
        ((55, 59, 62, 65), "G dominant seventh"),
        ((62, 65, 69, 72), "D minor seventh"),
        ((65, 69, 72, 76), "F major seventh"),
        ((59, 62, 65, 69), "B half-diminished seventh"),
        ((60, 64, 68), "C augmented"),
        ((64, 68, 72), "E augmented"),  # symmetric: the bass decides
        ((59, 62, 65, 68), "B diminished seventh"),
    ],
)
def test_chords_are_named_in_any_inversion(pitches, name):
    assert str(name_chord(pitches)) == name


@pytest.mark.parametrize("pitches", [(), (60,), (60, 67), (60, 61, 62), (60, 62, 64, 65)])
def test_what_is_no_chord_has_no_name(pitches):
    assert name_chord(pitches) is None


@pytest.mark.parametrize(
    ("pitches", "expected"),
    [
        ((60, 64, 67), True),
        ((55, 59, 62, 65), True),
        ((60, 67), True),  # an open fifth is part of a triad
        ((60,), True),
        ((), False),
        ((60, 61), False),
        ((60, 62), False),
        ((60, 65, 67), False),  # a suspension
    ],
)
def test_chordal_are_chords_and_parts_of_triads(pitches, expected):
    assert is_chordal(pitches) is expected


@given(st.sampled_from(sorted(CHORD_SHAPES)), st.integers(0, 11), st.data())
def test_every_chord_is_recognised_from_its_pitches_over_its_root(quality, root, data):
    chord = Chord(root, quality)
    upper = [12 * data.draw(st.integers(4, 7)) + pitch_class for pitch_class in chord.pitch_classes]
    assert name_chord([root, *upper]) == chord


@pytest.mark.parametrize(
    ("melody", "key"),
    [
        ((60, 62, 64, 65, 67, 69, 71, 72, 60, 67), "C major"),
        ((57, 59, 60, 62, 64, 65, 67, 69, 57, 64, 60), "A minor"),
        ((62, 64, 66, 67, 69, 71, 73, 74, 66), "D major"),
        ((66, 66, 67, 69, 69, 67, 66, 64, 62, 62, 64, 66, 66, 64, 64), "D major"),  # Ode to Joy
    ],
)
def test_the_best_key_of_a_melody(melody, key):
    assert str(best_diatonic_key(pitch_class_weights((pitch, 1) for pitch in melody))) == key


@given(st.integers(0, 11), st.sampled_from(Mode))
def test_a_key_is_found_from_its_scale_and_tonic_triad(tonic, mode):
    key = Key(tonic, mode)
    triad = Chord(tonic, mode.value)
    weights = pitch_class_weights([*((p, 1) for p in key.scale), *((p, 1) for p in triad.pitch_classes)])
    assert best_diatonic_key(weights) == key


def test_nothing_is_in_c_major_by_convention():
    assert best_diatonic_key({}) == Key(0)


@pytest.mark.parametrize(
    ("pitches", "expected"), [((60, 61), 0.5), ((60, 64), 1), ((61, 63), 0), ((), 1), ((73, 71, 72), 2 / 3)]
)
def test_the_share_of_pitches_in_a_scale(pitches, expected):
    assert in_scale(pitches, Key(0)) == expected


@pytest.mark.parametrize(("pitch", "name"), [(60, "C4"), (69, "A4"), (0, "C-1"), (127, "G9"), (61, "C#4")])
def test_pitches_have_their_scientific_names(pitch, name):
    assert pitch_name(pitch) == name


@pytest.mark.parametrize(("voice", "low", "high"), [(SOPRANO, 60, 81), (ALTO, 53, 74), (TENOR, 48, 69), (BASS, 36, 64)])
def test_voices_have_ranges_with_both_ends(voice, low, high):
    assert [voice.holds(pitch) for pitch in (low - 1, low, high, high + 1)] == [False, True, True, False]


def test_weights_are_summed_by_pitch_class():
    assert pitch_class_weights([(60, 1), (72, 2.5), (61, 1), (0, 1)]) == {0: 4.5, 1: 1}
