"""Policy variables: what the request puts into a text is literal, and what it has not equals nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.iam.context import Context
from service.iam.variables import LateMatch, template, unfinished
from service.iam.wildcards import compiled

NEW, OLD = "2012-10-17", "2008-10-17"
ADA = Context({"aws:username": "ada", "aws:PrincipalTag/team": "choir", "aws:TagKeys": ["a", "b"], "aws:empty": ""})


def matches(text: str, candidate: str, context: Context = ADA, version: str = NEW) -> bool | None:
    match = LateMatch(template(text, version, wildcards=True), compiled).for_request(context)
    return None if match is None else match(candidate)


def test_a_variable_is_replaced_and_its_name_ignores_case() -> None:
    assert matches("home/${AWS:UserName}/*", "home/ada/x")
    assert matches("${aws:username}-${aws:principaltag/TEAM}", "ada-choir")


@given(st.text(min_size=1))
def test_a_value_is_never_a_pattern(value: str) -> None:
    context = Context({"aws:username": value})
    assert matches("home/${aws:username}/x", f"home/{value}/x", context)
    assert matches("home/${aws:username}/x", f"home/{value}z/x", context) is False


@pytest.mark.parametrize("value", ["*", "?", "${aws:userid}", "${*}"])
def test_a_user_named_like_a_wildcard_owns_nothing_else(value: str) -> None:
    context = Context({"aws:username": value, "aws:userid": "b"})
    assert matches("${aws:username}", "b", context) is False
    assert matches("${aws:username}", value, context)


def test_the_escapes_are_the_characters_themselves() -> None:
    assert matches("a${*}b${?}c${$}{d}", "a*b?c${d}")
    assert matches("a${*}b", "axxb") is False


@pytest.mark.parametrize("key", ["aws:userid", "aws:TagKeys"])
def test_a_key_without_one_value_gives_none(key: str) -> None:
    assert matches(f"x${{{key}}}", "x") is None


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${aws:userid, 'guest'}", "guest"),
        ("${aws:userid,'guest'}", "guest"),
        ("${aws:username, 'guest'}", "ada"),
        ("${aws:empty, 'guest'}", ""),
        ("${aws:userid, ''}", ""),
        ("${aws:userid, 'it''s, fine'}", "it's, fine"),
        ("${aws:userid, '*'}", "*"),
    ],
)
def test_a_default_stands_in_only_where_there_is_no_value(text: str, filled: str) -> None:
    assert matches(text, filled)
    assert matches(text, filled + "x") is False


def test_the_version_of_2008_knows_no_variables() -> None:
    assert matches("${aws:username}", "${aws:username}", version=OLD)
    assert matches("${aws:username}", "ada", version=OLD) is False
    assert matches("${*}", "${anything}", version=OLD)  # there the star is a star


def test_values_are_not_remembered_without_end() -> None:
    late = LateMatch(template("home/${aws:username}", NEW, wildcards=True), compiled)
    for number in range(1000):
        match = late.for_request(Context({"aws:username": str(number)}))
        assert match is not None
        assert match(f"home/{number}")
    assert len(late._known) <= 256


def test_what_is_never_closed_is_literal() -> None:
    assert matches("${aws:username", "${aws:username")
    assert unfinished("${aws:username")
    assert not unfinished("${aws:username}${$}")


def test_keys_that_differ_in_case_alone_are_told_apart_where_the_policy_spells_one() -> None:
    context = Context({"aws:RequestTag/Team": "red", "aws:RequestTag/team": "blue", "aws:RequestTag/x": "1"})
    assert context.get("aws:RequestTag/Team") == ("red",)
    assert context.get("AWS:requesttag/team") == ("blue",)
    assert context.get("aws:RequestTag/TEAM") == ("red", "blue")
    assert context.get("aws:requesttag/X") == ("1",)
    assert context.get("aws:RequestTag/none") is None
    assert Context({"aws:TagKeys": []}).get("aws:tagkeys") == ()
