"""Amazon Resource Names, `arn:partition:service:region:account:resource`, and patterns of them."""

import re
from typing import TypeVar

from service.iam.wildcards import Match, Pattern, Wild, compiled

PARTS = 6
ANY = "*"
PARTITIONS = frozenset({"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"})


def root_arn(account: str, partition: str = "aws") -> str:
    return f"arn:{partition}:iam::{account}:root"


def is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


Of = TypeVar("Of")  # the pieces of a pattern, and whatever else a caller has among them


def split(pattern: tuple[Of, ...]) -> list[tuple[Of | str, ...]]:
    """The parts of an ARN's pattern, six at most: the resource keeps its colons."""
    parts: list[list[Of | str]] = [[]]
    for piece in pattern:
        if not isinstance(piece, str):
            parts[-1].append(piece)
            continue
        here, *further = piece.split(":", PARTS - len(parts))
        parts[-1].append(here)
        parts += [[text] for text in further]
    return [tuple(piece for piece in part if piece != "") for part in parts]


def resource_pattern(pattern: tuple[Of, ...]) -> tuple[Of | str | Wild, ...]:
    """`pattern` as the Resource element means it.

    A `*` that ends a part of the ARN may go on over the colon; any other wildcard stays within its part. The sixth
    part, the resource itself, has no such borders: the key of an S3 object may hold colons.
    """
    *leading, last = split(pattern)
    if not leading:
        return last
    whole: list[Of | str | Wild] = []
    for part in leading:
        for place, piece in enumerate(part):
            ends = place == len(part) - 1
            if isinstance(piece, Wild):
                whole.append(piece if piece is Wild.MANY and ends else _WITHIN[piece])
            else:
                whole.append(piece)
        whole.append(":")
    return (*whole, *last)


_WITHIN = {Wild.MANY: Wild.MANY_IN_SEGMENT, Wild.ONE: Wild.ONE_IN_SEGMENT}


def part_by_part(pattern: Pattern) -> Match:
    """The test of ArnEquals and ArnLike: each of the six parts for itself.

    A lone `*` is any ARN. Any other pattern that has not six parts is no ARN and matches nothing.
    """
    if pattern == (Wild.MANY,):
        return lambda text: text.startswith("arn:") and text.count(":") >= PARTS - 1
    tests = [compiled(part) for part in split(pattern)]
    if len(tests) != PARTS:
        return lambda _: False

    def match(text: str) -> bool:
        parts = text.split(":", PARTS - 1)
        return len(parts) == PARTS and all(test(part) for test, part in zip(tests, parts, strict=True))

    return match


def malformed_because(text: str) -> str | None:
    """The rule that an entry of the Resource element breaks, in a sentence; None where it is well formed.

    Fewer than six parts are enough where the last ends with `*`, which then stands for the rest as well.
    """
    if text == ANY:
        return None
    parts = _VARIABLE.sub("x", text).split(":", PARTS - 1)
    if len(parts) < 3 or parts[0] != "arn" or (len(parts) < PARTS and not parts[-1].endswith("*")):
        return f'"{text}" must be an ARN or "*".'
    if parts[1] not in PARTITIONS and not _has_wildcard(parts[1]):
        return f'"{text}" names the partition "{parts[1]}", which does not exist.'
    if not parts[2] or (_has_wildcard(parts[2]) and len(parts) > 3):
        return f'"{text}" must name its service in full, without wildcards.'
    return None


def _has_wildcard(part: str) -> bool:
    return "*" in part or "?" in part


_VARIABLE = re.compile(r"\$\{[^{}]*\}")  # its colons are not the ARN's
