from figures import Bound, Figure, p95


def figure(values: list[float], bound: Bound) -> Figure:
    made = Figure("memory", "MiB", bound)
    for moment, value in enumerate(values):
        made.add(moment, value)
    return made


def test_a_flat_figure_does_not_grow_whatever_its_peaks() -> None:
    assert not figure([100, 101, 500, 99, 100, 101, 100, 400, 100, 101], Bound(1.1, 0)).grows


def test_a_figure_that_rises_steadily_grows() -> None:
    rising = [100.0 + 10 * moment for moment in range(30)]
    assert figure(rising, Bound(1.5, 0)).grows
    assert not figure(rising, Bound(1.5, 300)).grows


def test_the_middle_third_counts_for_nothing() -> None:
    assert not figure([1] * 10 + [1000] * 10 + [1] * 10, Bound(1.1, 0)).grows


def test_a_slow_tail_is_growth_where_the_tail_is_looked_at() -> None:
    slower = [1.0] * 100 + [1.0] * 100 + [1.0] * 90 + [50.0] * 10
    assert figure(slower, Bound(2, 0, p95)).grows
    assert not figure(slower, Bound(2, 0)).grows


def test_a_figure_is_told_with_its_unit() -> None:
    told = str(figure([1] * 3 + [2] * 3 + [3] * 3, Bound(1, 0)))
    assert told == "memory: 1.0 MiB in the first third, 3.0 MiB in the last"
