"""DynamoDB's key values as bytes that sort as the values do, so that SQLite's order is DynamoDB's.

    S   UTF-8, which sorts by code point
    B   the bytes themselves
    N   a sign, the power of ten of the first digit, the digits in pairs; in a negative number both are complemented

Two numbers that are equal (1, 1.0 and 0.1E1) have the same bytes.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

_LARGEST_POWER = 125  # 9.99…E+125 is the largest number of DynamoDB's, 1E-130 the smallest above zero
_SMALLEST_POWER = -130
_MOST_DIGITS = 38
_OUT_OF_RANGE = "Number {fault}. Attempting to store a number with magnitude {size} than supported range"

_NEGATIVE, _ZERO, _POSITIVE = b"\x7f", b"\x80", b"\x81"
# Behind the digits of a negative number, above every complemented pair: of two the shorter one is the greater.
_END_OF_NEGATIVE = b"\xff"


class UnfitKeyError(ValueError):
    """The value cannot be a key; the message is DynamoDB's."""


def key_bytes(kind: str, value: Any) -> bytes:
    """The bytes of a value of the type S, N (as text) or B (as bytes). Raises UnfitKeyError."""
    if kind == "S":
        return _text_bytes(value)
    if kind == "N":
        return _number_bytes(value)
    if kind == "B":
        return bytes(value)
    raise UnfitKeyError(f"A key attribute must be of the type S, N or B, not {kind}")


def behind_prefix(prefix: bytes) -> bytes | None:
    """The smallest bytes above everything that begins with the prefix, or None where there are none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def _text_bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UnfitKeyError("A key attribute holds text that is not valid Unicode") from None


def _number_bytes(text: str) -> bytes:
    negative, digits, exponent = _parsed(text)
    power = len(digits) + exponent - 1
    while digits and digits[-1] == 0:
        digits = digits[:-1]
    if not digits:
        return _ZERO
    if power > _LARGEST_POWER:
        raise UnfitKeyError(_OUT_OF_RANGE.format(fault="overflow", size="larger"))
    if power < _SMALLEST_POWER:
        raise UnfitKeyError(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    if len(digits) > _MOST_DIGITS:
        raise UnfitKeyError("Attempting to store more than 38 significant digits in a Number")
    if len(digits) % 2:
        digits += (0,)
    pairs = [10 * first + second + 1 for first, second in zip(digits[::2], digits[1::2], strict=True)]
    magnitude = bytes([power - _SMALLEST_POWER, *pairs])
    if negative:
        return _NEGATIVE + bytes(255 - byte for byte in magnitude) + _END_OF_NEGATIVE
    return _POSITIVE + magnitude


def _parsed(text: str) -> tuple[bool, tuple[int, ...], int]:
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except (InvalidOperation, TypeError):
        raise UnfitKeyError(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not isinstance(exponent, int):  # infinite, or not a number
        raise UnfitKeyError(f"The parameter cannot be converted to a numeric value: {text}")
    return bool(sign), digits, exponent
