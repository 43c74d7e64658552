"""Operators by value, and what a missing key means to each of them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.iam.conditions import OperatorName, compile_condition
from service.iam.context import Context
from service.iam.operators import OPERATORS

KEY = "aws:key"
VERSION = "2012-10-17"


def holds(operator: str, wanted: str | list[str], found: str | list[str] | None, **more: str) -> bool:
    keys: dict[str, str | list[str]] = {} if found is None else {KEY: found}
    listed = [wanted] if isinstance(wanted, str) else wanted
    return compile_condition(operator, KEY.upper(), listed, VERSION).holds(Context({**keys, **more}))


@pytest.mark.parametrize(
    ("name", "prefix", "suffix"), list(product(OPERATORS, ("", "ForAllValues:", "ForAnyValue:"), ("", "IfExists")))
)
def test_every_operator_knows_what_a_missing_key_means(name: str, prefix: str, suffix: str) -> None:
    expected = suffix != "" or prefix == "ForAllValues:" or (prefix == "" and OPERATORS[name].negated)
    assert holds(prefix + name + suffix, "x", None) is expected
    assert holds(prefix + name + suffix, "x", []) is expected


SAMPLES = {  # a family: (in the policy, equal in the request, unequal in the request)
    "String": ("a", "a", "A"),
    "StringEqualsIgnoreCase": ("Ada", "aDA", "adb"),
    "StringLike": ("a*z", "a/z", "a/zy"),
    "Numeric": ("10", "10.0", "11"),
    "Date": ("2026-01-01T00:00:00Z", "1767225600", "1767225601"),
    "IpAddress": ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
    "Arn": ("arn:aws:s3:::a*", "arn:aws:s3:::a/b", "arn:aws:s3:::b"),
}


@pytest.mark.parametrize(
    ("family", "positive", "negative"),
    [
        ("String", "StringEquals", "StringNotEquals"),
        ("StringEqualsIgnoreCase", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        ("StringLike", "StringLike", "StringNotLike"),
        ("Numeric", "NumericEquals", "NumericNotEquals"),
        ("Date", "DateEquals", "DateNotEquals"),
        ("IpAddress", "IpAddress", "NotIpAddress"),
        ("Arn", "ArnEquals", "ArnNotEquals"),
        ("Arn", "ArnLike", "ArnNotLike"),
    ],
)
def test_a_negated_operator_is_the_positive_one_denied(family: str, positive: str, negative: str) -> None:
    wanted, equal, unequal = SAMPLES[family]
    for values, found in product(([wanted], [wanted, wanted]), (equal, unequal, "nonsense", [equal, unequal])):
        assert holds(positive, values, found) is (found == equal or isinstance(found, list))
        assert holds(negative, values, found) is not holds(positive, values, found)


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "expected"),
    [
        ("NumericLessThan", "10", "9.99", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10.000", True),
        ("NumericGreaterThan", "-1", "0", True),
        ("NumericGreaterThanEquals", "1e3", "1000", True),
        ("NumericEquals", "5", "five", False),
        ("NumericEquals", "five", "five", False),
        ("NumericNotEquals", "five", "5", True),
        ("NumericEquals", "1", "1\n", False),
        ("NumericEquals", "1", "١", False),
        ("NumericEquals", "NaN", "NaN", False),
        ("DateLessThan", "2026-01-02", "2026-01-01T23:59:59Z", True),
        ("DateGreaterThan", "2026-01-01T12:00:00+02:00", "2026-01-01T10:00:01Z", True),
        ("DateEquals", "2026-01-01T12:00:00+02:00", "2026-01-01T10:00:00Z", True),
        ("DateEquals", "2026-02-30", "2026-02-30", False),
        ("DateEquals", "2024-02-29T00:00Z", "1709164800", True),
        ("DateLessThanEquals", "2026-01-01T00:00:00.5Z", "1767225600.5", True),
        ("Bool", "TRUE", "true", True),
        ("Bool", "yes", "yes", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "Qm luYXJ5", False),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", "203.0.113.7", "203.0.113.8", False),
        ("IpAddress", "203.0.113.7/24", "203.0.113.200", True),
        ("IpAddress", "0.0.0.0/0", "198.51.100.1", True),
        ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
        ("IpAddress", "::/0", "2001:db8::1", True),
        ("IpAddress", "2001:DB8:0:0::/32", "2001:db8::1", True),
        ("IpAddress", "2001:db8::1", "2001:0db8:0:0:0:0:0:1", True),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("IpAddress", "::ffff:10.0.0.0/104", "10.0.0.1", True),
        ("IpAddress", "10.0.0.0/255.0.0.0", "10.0.0.1", False),
        ("NotIpAddress", "10.0.0.0/8", "nonsense", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a*", "a*", True),
        ("StringEquals", "a", "a\n", False),
        ("ArnEquals", "arn:aws:iam::1:role/a*", "arn:aws:iam::1:role/ab", True),
    ],
)
def test_operators_compare_by_value(operator: str, wanted: str, found: str, expected: bool) -> None:
    assert holds(operator, wanted, found) is expected


@pytest.mark.parametrize(
    ("operator", "found", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", "", True),
        ("ForAllValues:StringEquals", ["", "c"], False),
        ("ForAnyValue:StringNotEquals", "", False),
        ("ForAnyValue:StringNotEquals", ["", "a"], True),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "d"], False),
        ("ForAnyValue:StringEquals", ["c", "a"], True),
        ("ForAnyValue:StringEquals", ["c", "d"], False),
        ("ForAnyValue:StringNotEquals", ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], False),
        ("StringEquals", ["c", "a"], True),
        ("StringNotEquals", ["c", "a"], False),
        ("StringNotEquals", ["c", "d"], True),
    ],
)
def test_set_operators_weigh_every_value(operator: str, found: str | list[str], expected: bool) -> None:
    assert holds(operator, ["a", "b"], found) is expected


@pytest.mark.parametrize("found", [None, [], "", ["", ""]])
def test_null_true_is_a_key_without_a_value(found: str | list[str] | None) -> None:
    assert holds("Null", "true", found)
    assert not holds("Null", "false", found)


def test_null_false_is_a_key_with_a_value() -> None:
    assert holds("Null", "false", "x")
    assert holds("Null", "False", ["", "x"])
    assert not holds("Null", "true", "x")
    assert not holds("Null", "maybe", "x")
    assert not holds("Null", "maybe", None)


def test_a_variable_without_a_value_equals_nothing() -> None:
    assert not holds("StringEquals", "${aws:gone}", "")
    assert not holds("StringLike", "*${aws:gone}", "x")
    assert holds("StringNotEquals", "${aws:gone}", "x")
    assert holds("StringEquals", ["${aws:gone}", "x"], "x")
    assert holds("StringEquals", "${aws:there}", "y", **{"aws:there": "y"})
    assert not holds("StringLike", "${aws:there}", "yes", **{"aws:there": "y*"})


def test_variables_work_under_string_arn_and_bool_operators_only() -> None:
    assert holds("ArnLike", "arn:aws:iam::1:user/${aws:there}", "arn:aws:iam::1:user/y", **{"aws:there": "y"})
    assert holds("Bool", "${aws:there}", "true", **{"aws:there": "TRUE"})
    assert not holds("Bool", "${aws:gone}", "true")
    assert not holds("NumericEquals", "${aws:there}", "5", **{"aws:there": "5"})
    assert not holds("Null", "${aws:there}", "x", **{"aws:there": "false"})


def test_an_empty_list_of_values_is_matched_by_nothing() -> None:
    assert not holds("StringEquals", [], "x")
    assert holds("StringNotEquals", [], "x")
    assert holds("ForAllValues:StringEquals", [], None)


@pytest.mark.parametrize(
    "name",
    ["stringequals", "StringEqualsIfexists", "NullIfExists", "ForAllValues:NullIfExists", "ForSome:Bool", "", ":"],
)
def test_there_are_no_other_operators(name: str) -> None:
    with pytest.raises(ValueError, match=r"operator|Null"):
        OperatorName.read(name)


@given(st.sampled_from(sorted(OPERATORS)), st.text(), st.text())
def test_no_value_breaks_an_operator(name: str, wanted: str, found: str) -> None:
    assert holds(name, wanted, found) in (True, False)
