"""Patterns with `*` and `?`, matched against the whole of a text in linear time.

A pattern is a tuple of pieces: literal text, or a `Wild`. It is compiled once. Between its stars stand segments of
fixed length; taking each at its first place is enough (a later place never matches more), so nothing is ever tried
again and `*a*a*a*…b` costs what `*a` costs. Where a `*` may not cross a colon that is no longer true, and all ways are
followed at once, as the bits of one number.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cached_property

Match = Callable[[str], bool]


class Wild(Enum):
    MANY = "*"
    ONE = "?"
    MANY_IN_SEGMENT = "*, not over a colon"
    ONE_IN_SEGMENT = "?, not a colon"


Piece = str | Wild
Pattern = tuple[Piece, ...]

_WILD = re.compile(r"([*?])")
_BY_SIGN = {"*": Wild.MANY, "?": Wild.ONE}
_MANY = (Wild.MANY, Wild.MANY_IN_SEGMENT)
_WITHIN_SEGMENT = (Wild.MANY_IN_SEGMENT, Wild.ONE_IN_SEGMENT)


def pieces(text: str) -> Pattern:
    """`text` with its `*` and `?` read as wildcards."""
    return tuple(_BY_SIGN.get(part, part) for part in _WILD.split(text) if part)


def glob(text: str) -> Match:
    return compiled(pieces(text))


def compiled(pattern: Pattern) -> Match:
    """The test of a text against `pattern`."""
    joined = _joined(pattern)
    if not any(isinstance(piece, Wild) for piece in joined):
        return "".join(map(str, joined)).__eq__
    if joined == (Wild.MANY,):
        return _anything
    if any(piece in _WITHIN_SEGMENT for piece in joined):
        return _all_ways_at_once(joined)
    if len(joined) == 2 and isinstance(joined[0], str) and joined[1] is Wild.MANY:
        return _starting_with(joined[0])
    return _greedy(_segments(joined))


def _anything(_: str) -> bool:
    return True


def _starting_with(start: str) -> Match:
    return lambda text: text.startswith(start)


def _joined(pattern: Pattern) -> Pattern:
    """The same pattern with neighbouring literals in one piece, and stars that stand together as one."""
    joined: list[Piece] = []
    for piece in pattern:
        last = joined[-1] if joined else None
        if isinstance(piece, str) and isinstance(last, str):
            joined[-1] = last + piece
        elif piece is not Wild.MANY or last is not Wild.MANY:
            joined.append(piece)
    return tuple(joined)


class _Segment:
    """What stands between two stars: text of a fixed length, with `?` for any one character."""

    def __init__(self, parts: Iterable[Piece]):
        self._parts = tuple(parts)
        self.length = sum(1 if isinstance(part, Wild) else len(part) for part in self._parts)
        literal = not any(isinstance(part, Wild) for part in self._parts)
        self._literal = "".join(map(str, self._parts)) if literal else None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        """Of fixed length and without a repetition: there is nothing in it that could be tried twice.

        Made when a text comes that far, for a policy may hold thousands and be asked about few.
        """
        parts = ("." if isinstance(part, Wild) else re.escape(part) for part in self._parts)
        return re.compile("".join(parts), re.DOTALL)

    def stands_at(self, text: str, start: int) -> bool:
        if self._literal is not None:
            return text.startswith(self._literal, start)
        return self._expression.match(text, start) is not None

    def find(self, text: str, start: int, end: int) -> int:
        if self._literal is not None:
            return text.find(self._literal, start, end)
        found = self._expression.search(text, start, end)
        return found.start() if found else -1


def _segments(pattern: Pattern) -> list[_Segment]:
    parts: list[list[Piece]] = [[]]
    for piece in pattern:
        if piece is Wild.MANY:
            parts.append([])
        else:
            parts[-1].append(piece)
    return [_Segment(part) for part in parts]


def _greedy(segments: list[_Segment]) -> Match:
    first, *middle, last = segments if len(segments) > 1 else (segments[0], _Segment(()))
    exact = len(segments) == 1
    least = sum(segment.length for segment in segments)

    def match(text: str) -> bool:
        if len(text) < least or (exact and len(text) != least) or not first.stands_at(text, 0):
            return False
        position, end = first.length, len(text) - last.length
        for segment in middle:
            found = segment.find(text, position, end)
            if found < 0:
                return False
            position = found + segment.length
        return last.stands_at(text, end)

    return match


def _all_ways_at_once(pattern: Pattern) -> Match:
    """Bit i of the state says: the first i characters that `pattern` demands have been read."""
    steps: dict[str, int] = {}  # a character -> the places that demand it
    any_step = any_step_but_colon = stay = stay_but_colon = place = 0
    for piece in pattern:
        if isinstance(piece, str):
            for character in piece:
                steps[character] = steps.get(character, 0) | 1 << place
                place += 1
        elif piece in _MANY:
            stay_but_colon |= 1 << place
            stay |= (piece is Wild.MANY) << place
        else:
            any_step_but_colon |= 1 << place
            any_step |= (piece is Wild.ONE) << place
            place += 1
    done = 1 << place

    def match(text: str) -> bool:
        state = 1
        for character in text:
            here, free = (stay, any_step) if character == ":" else (stay_but_colon, any_step_but_colon)
            state = (state & (steps.get(character, 0) | free)) << 1 | state & here
            if not state:
                return False
        return bool(state & done)

    return match
