"""Budgets, locks, moves and rules of sampling, with networks whose opinions are known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.music.chorale_metrics import moves_and_parallels
from service.nn.ar_cnn import CLASSES, HOLD, LOWEST_PITCH, REST
from service.nn.ar_cnn_sampler import Budget, GridNote, Network, Sampled, Span, Texture, sample

STEPS = 16
WHOLE = [Span(0, 0, STEPS)]


def random_network(seed: int) -> Network:
    """Opinions that change with every pass."""
    rng = np.random.default_rng(seed)

    def network(cells: np.ndarray, hidden: np.ndarray, span: Span) -> np.ndarray:
        logits = rng.normal(scale=3, size=(4, span.high - span.low, CLASSES))
        logits[..., HOLD] += 4
        return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)

    return network


def network_of(probabilities: dict[tuple[int, int, int], float], otherwise: int = HOLD) -> Network:
    """The given probabilities of (voice, step, class); the rest of each cell goes to one class."""

    def network(cells: np.ndarray, hidden: np.ndarray, span: Span) -> np.ndarray:
        chances = np.full((4, STEPS, CLASSES), 1e-6)
        for (voice, step, of), probability in probabilities.items():
            chances[voice, step, of] = probability
        chances[..., otherwise] = 1 - (chances.sum(axis=-1) - chances[..., otherwise])
        return np.log(chances.clip(1e-9))[:, span.low : span.high]

    return network


def melody(removable: bool = True) -> list[GridNote]:
    pitches = [72, 74, 76, 77]
    return [GridNote(0, 4 * at, 4 * at + 4, pitch, at, removable) for at, pitch in enumerate(pitches)]


def run(network: Network, notes: list[GridNote], budget: Budget, seed: int = 0, **options: float) -> Sampled:
    temperature = options.pop("temperature", 1.0)
    rules = bool(options.pop("rules", True))
    return sample(network, notes, STEPS, WHOLE, budget, temperature, np.random.default_rng(seed), rules)


def pitch(midi: int) -> int:
    return midi - LOWEST_PITCH


def as_pitches(notes: tuple[GridNote, ...]) -> np.ndarray:
    texture = Texture(STEPS)
    for note in notes:
        texture.put(note)
    return texture.sounding


@given(
    iterations=st.integers(0, 60),
    additions=st.integers(0, 20),
    removals=st.integers(0, 4),
    seed=st.integers(0, 10_000),
    temperature=st.floats(0.5, 6),
)
@settings(max_examples=60, deadline=None)
def test_no_budget_is_ever_exceeded(
    iterations: int, additions: int, removals: int, seed: int, temperature: float
) -> None:
    budget = Budget(iterations, additions, removals)
    result = run(random_network(seed), melody(), budget, seed, temperature=temperature)
    new = [note for note in result.notes if note.source is None]
    kept = [note for note in result.notes if note.source is not None]
    assert result.iterations <= iterations
    assert len(new) == result.added <= additions
    assert len(melody()) - len(kept) == result.removed <= removals
    assert result.added + result.removed <= iterations
    assert set(kept) <= set(melody())


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_notes_of_a_voice_never_overlap_and_stay_on_the_grid(seed: int) -> None:
    result = run(random_network(seed), melody(), Budget(60, 50, 4), seed)
    for voice in range(4):
        line = sorted((note.start, note.end) for note in result.notes if note.voice == voice)
        assert all(start < end for start, end in line)
        assert all(before[1] <= after[0] for before, after in pairwise(line))
        assert not line or (line[0][0] >= 0 and line[-1][1] <= STEPS)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_notes_that_are_not_removable_stay_as_they_are(seed: int) -> None:
    locked = melody(removable=False)
    result = run(random_network(seed), locked, Budget(60, 50, 4), seed, temperature=6)
    assert set(locked) <= set(result.notes)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_the_rules_allow_no_parallels(seed: int) -> None:
    result = run(random_network(seed), melody(removable=False), Budget(60, 50, 0), seed)
    assert moves_and_parallels(as_pitches(result.notes))[1] == 0


def test_one_iteration_adds_one_note_and_the_holds_behind_it() -> None:
    network = network_of({(3, 0, pitch(48)): 0.9, (3, 8, pitch(50)): 0.8})
    result = run(network, melody(), Budget(1, 50, 0))
    added = [note for note in result.notes if note.source is None]
    assert result.iterations == result.added == len(added) == 1
    assert added[0].voice == 3
    assert (added[0].start, added[0].end, added[0].pitch) in [(0, 8, 48), (8, 16, 50)]


def test_two_iterations_add_the_two_notes_that_are_wanted_and_then_it_ends() -> None:
    network = network_of({(3, 0, pitch(48)): 0.9, (3, 8, pitch(50)): 0.8})
    result = run(network, melody(), Budget(100, 50, 0))
    added = sorted((note.start, note.end, note.pitch) for note in result.notes if note.source is None)
    assert added == [(0, 8, 48), (8, 16, 50)]
    assert result.iterations < 10


def test_silence_is_left_where_silence_is_expected() -> None:
    result = run(network_of({}, otherwise=REST), melody(), Budget(100, 50, 0))
    assert result.notes == tuple(melody())
    assert result.added == 0


def test_an_unlikely_note_is_removed_and_likely_ones_stay() -> None:
    likely = {(0, 4 * at, pitch(midi)): 0.9 for at, midi in enumerate([72, 74, 76])}
    network = network_of({**likely, (0, 12, pitch(79)): 0.9}, otherwise=REST)
    result = run(network, melody(), Budget(100, 0, 4))
    assert result.removed == 1
    assert sorted(note.pitch for note in result.notes) == [72, 74, 76]


def test_a_removed_note_can_come_back_and_refunds_its_removal() -> None:
    calls = 0

    def network(cells: np.ndarray, hidden: np.ndarray, span: Span) -> np.ndarray:
        nonlocal calls
        calls += 1
        chance = 1e-6 if calls <= 4 else 0.9  # of the last note: first unlikely, then likely
        likely = {(0, 4 * at, pitch(midi)): 0.9 for at, midi in enumerate([72, 74, 76])}
        return network_of({**likely, (0, 12, pitch(77)): chance}, otherwise=REST)(cells, hidden, span)

    early = run(network, melody(), Budget(4, 0, 1))
    assert early.removed == 1
    calls = 0
    late = run(network, melody(), Budget(40, 0, 1))
    assert late.removed == 0
    assert late.added == 0
    assert set(late.notes) == set(melody())


def test_extreme_opinions_do_not_overflow() -> None:
    def network(cells: np.ndarray, hidden: np.ndarray, span: Span) -> np.ndarray:
        logs = np.full((4, STEPS, CLASSES), -1e6)
        logs[..., pitch(60)] = 0
        return logs

    with np.errstate(over="raise", invalid="raise"):
        result = run(network, melody(), Budget(5, 50, 4), temperature=0.5)
    assert result.iterations == 5


def entropy_of_first_moves(temperature: float) -> float:
    chances = {(3, 0, pitch(48)): 0.5, (3, 0, pitch(52)): 0.3, (3, 0, pitch(55)): 0.15}
    counts: dict[int, int] = {}
    for seed in range(300):
        result = run(network_of(chances), melody(), Budget(1, 50, 0), seed, temperature=temperature)
        for note in result.notes:
            if note.source is None:
                counts[note.pitch] = counts.get(note.pitch, 0) + 1
    shares = np.array(list(counts.values())) / sum(counts.values())
    return float(-(shares * np.log(shares)).sum())


def test_creative_risk_raises_the_entropy_of_the_moves() -> None:
    cold, default, hot = (entropy_of_first_moves(temperature) for temperature in (0.5, 1.0, 6.0))
    assert cold < default < hot


def test_the_same_seed_makes_the_same_choices() -> None:
    first, second = (run(random_network(1), melody(), Budget(30, 50, 2), seed=5) for _ in range(2))
    assert first == second
    assert first != run(random_network(1), melody(), Budget(30, 50, 2), seed=6)


def test_a_span_moves_only_within_its_bounds() -> None:
    result = sample(
        random_network(0), melody(), STEPS, [Span(0, 4, 8)], Budget(40, 50, 4), 1.0, np.random.default_rng(0)
    )
    untouched = [note for note in melody() if not 4 <= note.start < 8]
    assert set(untouched) <= set(result.notes)
    assert all(4 <= note.start < 8 for note in result.notes if note.source is None)


@pytest.mark.parametrize(("bass_before", "bass", "expected"), [(48, 50, True), (53, 50, False), (45, 50, False)])
def test_parallel_octaves_are_found_before_they_are_made(bass_before: int, bass: int, expected: bool) -> None:
    texture = Texture(STEPS)
    for note in melody()[:2]:  # C5, D5
        texture.put(note)
    texture.put(GridNote(3, 0, 2, bass_before))
    assert texture.makes_parallels(3, 4, bass) is expected
