"""Random scores for the properties of the music room."""

from hypothesis import strategies as st

from service.music.score import Meter, Note, Score, Tempo, Track

names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=12)


def notes(max_start: int = 20_000, max_duration: int = 5_000) -> st.SearchStrategy[Note]:
    return st.builds(
        Note,
        start=st.integers(0, max_start),
        pitch=st.integers(0, 127),
        duration=st.integers(1, max_duration),
        velocity=st.integers(1, 127),
    )


@st.composite
def notes_without_nesting(draw: st.DrawFn) -> tuple[Note, ...]:
    """Notes of which none begins and ends within another of its pitch: what MIDI can tell apart."""
    kept: list[Note] = []
    for note in sorted(draw(st.lists(notes(), min_size=1, max_size=25))):
        same_pitch = [other for other in kept if other.pitch == note.pitch]
        if all(other.start < note.start and other.end < note.end for other in same_pitch):
            kept.append(note)
    return tuple(kept)


def tracks(inside: st.SearchStrategy[tuple[Note, ...]]) -> st.SearchStrategy[Track]:
    return st.builds(Track, notes=inside, program=st.integers(0, 127), is_drum=st.booleans(), name=names)


@st.composite
def scores(draw: st.DrawFn, inside: st.SearchStrategy[tuple[Note, ...]] | None = None) -> Score:
    inside = notes_without_nesting() if inside is None else inside
    bpm = st.integers(10_000, 240_000).map(lambda thousandths: thousandths / 1000)
    tempos = draw(st.dictionaries(st.integers(0, 20_000), bpm, max_size=4))
    meter = st.tuples(st.integers(1, 12), st.sampled_from((2, 4, 8, 16)))
    meters = draw(st.dictionaries(st.integers(0, 20_000), meter, max_size=4))
    return Score(
        tracks=tuple(draw(st.lists(tracks(inside), min_size=1, max_size=4))),
        tempos=tuple(Tempo(tick, value) for tick, value in tempos.items()),
        meters=tuple(Meter(tick, *value) for tick, value in meters.items()),
    )
