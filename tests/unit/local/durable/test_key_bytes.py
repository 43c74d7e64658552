"""Keys as bytes: their order is the values' own."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.durable.dynamodb.key_bytes import UnfitKeyError, behind_prefix, key_bytes


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number that DynamoDB takes, in any of its spellings."""
    digits = draw(st.text("0123456789", min_size=1, max_size=38))
    power = draw(st.integers(-130, 125 - len(digits)) | st.integers(-3, 3))
    sign = draw(st.sampled_from(["", "-"]))
    number = Decimal(f"{sign}{digits}E{power}")
    return draw(st.sampled_from([str(number), f"{number:f}", f"{sign}{digits}E{power}"]))


@given(numbers(), numbers())
def test_numbers_sort_as_their_values_do(one: str, other: str) -> None:
    left, right = key_bytes("N", one), key_bytes("N", other)
    assert (left < right) == (Decimal(one) < Decimal(other))
    assert (left == right) == (Decimal(one) == Decimal(other))


@given(st.lists(st.integers(-12001, 12001).map(lambda n: Decimal(n) / 1000), min_size=2, max_size=30))
def test_near_numbers_sort_as_their_values_do(values: list[Decimal]) -> None:
    assert sorted(values) == sorted(values, key=lambda value: key_bytes("N", str(value)))


@given(st.text(), st.text())
def test_text_sorts_by_code_point(one: str, other: str) -> None:
    assert (key_bytes("S", one) < key_bytes("S", other)) == (one < other)


@given(st.binary(), st.binary())
def test_binary_sorts_by_byte(one: bytes, other: bytes) -> None:
    assert (key_bytes("B", one) < key_bytes("B", other)) == (one < other)


@pytest.mark.parametrize(
    "same", [["1", "1.0", "01", "0.1E1", "10e-1"], ["0", "-0", "0.00", "0E+9"], ["-2.50", "-25e-1"]]
)
def test_a_number_has_one_key_in_all_its_spellings(same: list[str]) -> None:
    assert len({key_bytes("N", text) for text in same}) == 1


def test_the_ends_of_the_range_of_numbers_are_keys() -> None:
    ends = ["-9.9999999999999999999999999999999999999E+125", "-1E-130", "0", "1E-130", "9" * 38 + "E88"]
    assert sorted(ends, key=lambda text: key_bytes("N", text)) == ends


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1E126", "Number overflow"),
        ("-1E126", "Number overflow"),
        ("9.9E-131", "Number underflow"),
        ("1" * 39, "38 significant digits"),
        ("ten", "numeric value: ten"),
        ("NaN", "numeric value: NaN"),
        ("-Infinity", "numeric value: -Infinity"),
    ],
)
def test_what_is_no_number_of_dynamodbs_is_refused(text: str, said: str) -> None:
    with pytest.raises(UnfitKeyError, match=said):
        key_bytes("N", text)


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(UnfitKeyError, match="Unicode"):
        key_bytes("S", "\ud800")


def test_other_types_are_refused() -> None:
    with pytest.raises(UnfitKeyError, match="not BOOL"):
        key_bytes("BOOL", True)


@given(st.binary(max_size=4), st.binary(max_size=6))
def test_what_lies_before_the_end_of_a_prefix_begins_with_it(prefix: bytes, value: bytes) -> None:
    end = behind_prefix(prefix)
    assert value.startswith(prefix) == (prefix <= value and (end is None or value < end))
