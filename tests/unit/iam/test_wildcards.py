"""Patterns against the whole of a text, checked against a slow and obvious matcher."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.iam.arns import part_by_part, resource_pattern
from service.iam.wildcards import Pattern, Wild, compiled, glob, pieces

FEW = "ab*?:\n"


def obvious(pattern: Pattern, text: str) -> bool:
    """Tries everything, one character at a time. A literal piece is taken character by character."""
    flat = [one for piece in pattern for one in ([piece] if isinstance(piece, Wild) else piece)]
    ends = {0}
    for one in flat:
        if one is Wild.MANY:
            ends = {later for end in ends for later in range(end, len(text) + 1)}
        elif one is Wild.MANY_IN_SEGMENT:
            ends = {
                later
                for end in ends
                for later in range(end, len(text) + 1)
                if ":" not in text[end:later]
            }  # fmt: skip
        else:
            ends = {end + 1 for end in ends if end < len(text) and fits(one, text[end])}
    return len(text) in ends


def fits(one: object, character: str) -> bool:
    return one is Wild.ONE or (one is Wild.ONE_IN_SEGMENT and character != ":") or one == character


@example("ab*ba", "aba")
@example("a?*?a", "aba")
@example("*ab*ba", "xaba")
@example("*ab*ab*", "xxab")
@given(st.text(FEW, max_size=12), st.text(FEW, max_size=12))
def test_a_glob_matches_what_the_obvious_matcher_matches(pattern: str, text: str) -> None:
    assert glob(pattern)(text) == obvious(pieces(pattern), text)


@given(st.lists(st.sampled_from([*Wild, "a", "b", ":", "ab"]), max_size=9), st.text("ab:", max_size=10))
def test_patterns_with_borders_match_what_the_obvious_matcher_matches(pattern: list[str | Wild], text: str) -> None:
    assert compiled(tuple(pattern))(text) == obvious(tuple(pattern), text)


@pytest.mark.parametrize("pattern", ["ab*ba", "a*a", "ab*b*ba", "?*?", "aa*aa*aa"])
def test_what_stands_before_and_behind_a_star_does_not_overlap(pattern: str) -> None:
    shortest = pattern.replace("*", "").replace("?", "x")
    assert glob(pattern)(shortest)
    assert not glob(pattern)(shortest[:-1])


@given(st.text(min_size=1))
def test_a_text_without_wildcards_matches_itself_and_nothing_longer(text: str) -> None:
    assert compiled((text,))(text)
    assert not compiled((text,))(text + "\n")


@pytest.mark.parametrize("pattern", ["a", "a?", "?", "*a", "a*b"])
def test_a_trailing_newline_is_a_character_like_any_other(pattern: str) -> None:
    plain = pattern.replace("*", "").replace("?", "x")
    assert glob(pattern)(plain)
    assert not glob(pattern)(plain + "\n")


def test_a_star_crosses_line_breaks_and_slashes() -> None:
    assert glob("a*z")("a/b\nc\r/z")


@pytest.mark.parametrize("text", ["a.c", "a+c", "[ac]", "a|c", "(a)", "a\\c", "^a$"])
def test_characters_of_regular_expressions_are_literal(text: str) -> None:
    assert glob(f"*{text}?")(f"..{text}x")
    assert not glob(f"*{text}?")("abcx")


@pytest.mark.parametrize("pattern", ["*a" * 3000 + "b", "*a?" * 1500 + "b", "a*:" * 3000 + "b", "*?" * 3000 + "b"])
def test_catastrophic_patterns_stay_linear(pattern: str) -> None:
    test = glob(pattern)
    bordered = compiled(resource_pattern(pieces("arn:aws:s3:" + "*a" * 1000 + "x:b:c")))
    start = time.perf_counter()
    assert not test("a" * 20_000)
    assert not bordered("arn:aws:s3:" + "a" * 5_000)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("arn:aws:s3:::music/*", "arn:aws:s3:::music/a/b:c", True),
        ("arn:aws:s3:::music/*.mid", "arn:aws:s3:::music/a:b.mid", True),
        ("arn:aws:s3:*", "arn:aws:s3:::music/a", True),
        ("arn:aws:sqs:us-*:1:q", "arn:aws:sqs:us-east-1:1:q", True),
        ("arn:aws:sqs:us-*:1:q", "arn:aws:sqs:us-east-1:2:1:q", True),
        ("arn:aws:sqs:us-*-1:1:q", "arn:aws:sqs:us-east-1:1:q", True),
        ("arn:aws:sqs:us-*-1:1:q", "arn:aws:sqs:us-east:x-1:1:q", False),
        ("arn:aws:sqs:us-east-?:1:q", "arn:aws:sqs:us-east-::1:q", False),
        ("arn:aws:sqs:us-east-?:1:q", "arn:aws:sqs:us-east-2:1:q", True),
        ("arn:aws:s3:::Music", "arn:aws:s3:::music", False),
        ("*", "*", True),
        ("arn:aws:s3:::*", "*", False),
    ],
)
def test_a_star_in_a_resource_passes_a_colon_only_where_it_ends_a_part(
    pattern: str, resource: str, matches: bool
) -> None:
    assert compiled(resource_pattern(pieces(pattern)))(resource) is matches


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:role/team/x", True),
        ("arn:aws:iam::*:role/*", "arn:aws:iam::1:2:role/x", False),
        ("arn:aws:*:role/x", "arn:aws:iam::111122223333:role/x", False),
        ("arn:aws:iam::*", "arn:aws:iam::111122223333:role/x", False),
        ("arn:aws:sns:*:*:*", "arn:aws:sns:us-east-1:1:topic:sub", True),
        ("*", "arn:aws:iam::111122223333:role/x", True),
        ("*", "no arn", False),
    ],
)
def test_arns_in_conditions_match_part_by_part(pattern: str, arn: str, matches: bool) -> None:
    assert part_by_part(pieces(pattern))(arn) is matches
