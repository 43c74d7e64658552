"""The ledger that judges the other tests here is itself judged: every way to lose a write must be told."""

from hypothesis import given
from hypothesis import strategies as st
from ledger import Ledger


def ledger_with(**values: str) -> Ledger[str, str]:
    ledger: Ledger[str, str] = Ledger()
    for key, value in values.items():
        ledger.acknowledge(ledger.begin({key: value}))
    return ledger


def test_what_was_acknowledged_is_expected() -> None:
    assert ledger_with(a="1", b="2").differences({"a": "1", "b": "2"}) == []


def test_a_lost_write_is_told() -> None:
    assert ledger_with(a="1").differences({}) == ["'a' is lost: '1' was acknowledged"]


def test_a_write_that_fell_back_to_an_older_value_is_told() -> None:
    ledger = ledger_with(a="1")
    ledger.acknowledge(ledger.begin({"a": "2"}))
    assert ledger.differences({"a": "1"}) == ["'a' is '1', but '2' was acknowledged"]


def test_a_delete_that_was_undone_is_told() -> None:
    ledger = ledger_with(a="1")
    ledger.acknowledge(ledger.begin({"a": None}))
    assert ledger.differences({}) == []
    assert ledger.differences({"a": "1"}) == ["'a' is back: '1', though it was deleted or never written"]


def test_what_nobody_wrote_is_told() -> None:
    assert len(ledger_with().differences({"a": "1"})) == 1


def test_a_refused_write_must_not_have_landed() -> None:
    ledger = ledger_with(a="1")
    ledger.refuse(ledger.begin({"a": "2"}))
    assert ledger.differences({"a": "1"}) == []
    assert len(ledger.differences({"a": "2"})) == 1


def test_an_unanswered_write_may_have_landed_or_not() -> None:
    ledger = ledger_with(a="1")
    ledger.begin({"a": "2"})
    assert ledger.differences({"a": "1"}) == ledger.differences({"a": "2"}) == []
    assert len(ledger.differences({"a": "3"})) == 1
    assert len(ledger.differences({})) == 1


def test_an_unanswered_delete_may_have_landed_or_not() -> None:
    ledger = ledger_with(a="1")
    ledger.begin({"a": None})
    assert ledger.differences({"a": "1"}) == ledger.differences({}) == []


def test_a_transaction_that_landed_in_part_is_told() -> None:
    ledger = ledger_with(a="1", b="1")
    ledger.begin({"a": "2", "b": None})
    assert ledger.differences({"a": "1", "b": "1"}) == ledger.differences({"a": "2"}) == []
    assert len(ledger.differences({"a": "2", "b": "1"})) == 1
    assert len(ledger.differences({"a": "1"})) == 1


def test_what_landed_before_a_look_stays_after_it() -> None:
    landed, not_landed = ledger_with(a="1"), ledger_with(a="1")
    landed.begin({"a": "2"})
    landed.settle({"a": "2"})
    not_landed.begin({"a": "2"})
    not_landed.settle({"a": "1"})
    assert landed.settled == {"a": "2"}
    assert not_landed.settled == {"a": "1"}
    assert len(landed.differences({"a": "1"})) == 1
    assert len(not_landed.differences({"a": "2"})) == 1


writes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abc"), st.none() | st.sampled_from("123"), min_size=1, max_size=2),
        st.sampled_from(["acknowledge", "refuse"]),
    ),
    max_size=12,
)


@given(writes, st.dictionaries(st.sampled_from("abc"), st.none() | st.sampled_from("123"), max_size=2), st.booleans())
def test_a_store_that_does_as_it_says_is_never_blamed_and_one_that_changes_a_value_always(
    done: list[tuple[dict[str, str | None], str]], unanswered: dict[str, str | None], landed: bool
) -> None:
    ledger: Ledger[str, str] = Ledger()
    store: dict[str, str] = {}
    for changes, answer in done:
        getattr(ledger, answer)(ledger.begin(changes))
        if answer == "acknowledge":
            apply(store, changes)
    ledger.begin(unanswered)
    if landed:
        apply(store, unanswered)
    assert ledger.differences(store) == []
    for key in store:
        assert ledger.differences({**store, key: "something else"})


def apply(store: dict[str, str], changes: dict[str, str | None]) -> None:
    store.update(changes)  # type: ignore[arg-type]
    for key in [key for key, value in store.items() if value is None]:
        del store[key]
