"""JSON as a policy may be written in it: no key twice, no depth without end, numbers kept as they are spelled."""

import json
from typing import Any

from service.iam.limits import DOCUMENT, NESTING


class Number(str):
    """A JSON number, as written: 5.0 stays 5.0."""

    __slots__ = ()


class DuplicateKeyError(ValueError):
    pass


def read(document: str) -> Any:
    """The value that `document` spells. Raises ValueError with a sentence."""
    if len(document) > DOCUMENT:
        raise ValueError(f"The document is longer than {DOCUMENT} characters.")
    if document.startswith("\ufeff"):
        raise ValueError("The document begins with a byte order mark; write it without one.")
    if _depth(document) > NESTING:
        raise ValueError(f"The document nests its values more than {NESTING} levels deep.")
    try:
        return json.loads(
            document,
            object_pairs_hook=_without_duplicates,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_constant,
        )
    except DuplicateKeyError:
        raise
    except json.JSONDecodeError as error:
        raise ValueError(f"The document is no JSON: {error.msg}, line {error.lineno} column {error.colno}.") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise DuplicateKeyError(f'The key "{key}" stands twice in one object.')
        seen[key] = value
    return seen


def _no_constant(name: str) -> Any:
    raise ValueError(f"The document is no JSON: {name} is no value.")


def _depth(document: str) -> int:
    """How deep the brackets nest, those within strings left out."""
    depth = deepest = 0
    in_string = escaped = False
    for character in document:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest
