"""The condition operators, one row each: what a value in the policy demands of a value in the request.

A demand is made once, when the policy is read. A value that the operator cannot read (a word under NumericEquals)
demands what no request has. Negated operators are the same demands, denied.
"""

import base64
import binascii
import calendar
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, TypeVar

from service.iam import arns
from service.iam.wildcards import Match, Pattern, compiled

T = TypeVar("T")
Demand = Callable[[Pattern], Match]

NULL = "Null"


@dataclass(frozen=True, slots=True)
class Operator:
    """`demand` turns a policy's value, wildcards and variables already read, into the test of a request's value."""

    name: str
    demand: Demand
    negated: bool = False
    wildcards: bool = False
    variables: bool = False
    reads: Callable[[str], object] | None = None  # what the policy's value must be readable as; None: any text


def never(_: str) -> bool:
    return False


def number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError("no number")
    return Decimal(text)


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?")


def instant(text: str) -> Decimal:
    """Seconds since 1970 of an ISO 8601 date (UTC where it names no zone) or of epoch seconds."""
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _ISO.fullmatch(text)
    if not found:
        raise ValueError("neither an ISO 8601 date nor epoch seconds")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3, 4, 5, 6))
    month, day = month or 1, day or 1
    days = calendar.monthrange(year, month)[1] if year and 1 <= month <= 12 else 0
    if not 1 <= day <= days or hour > 23 or minute > 59 or second > 60:
        raise ValueError("no such date")
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    return seconds - _offset(found[8]) + Decimal("0." + (found[7] or "0"))


def _offset(zone: str | None) -> int:
    """Seconds east of Greenwich of `Z`, `+01:00`, `-0330`."""
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("no such time zone")
    return (3600 * hours + 60 * minutes) * (-1 if zone[0] == "-" else 1)


_EPOCH = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?)?"
)


def boolean(text: str) -> bool:
    known = {"true": True, "false": False}
    if text.lower() not in known:
        raise ValueError("neither true nor false")
    return known[text.lower()]


def octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("no base64") from None


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=1024)
def address(text: str) -> Address:
    """An address; an IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) is the IPv4 address it is."""
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


def network(text: str) -> Network:
    """A range in CIDR notation; a bare address is itself alone, and bits beyond the prefix do not count."""
    _, slash, prefix = text.partition("/")
    if "%" in text or (slash and not (prefix.isascii() and prefix.isdigit())):
        raise ValueError("no range of addresses")
    found = ipaddress.ip_network(text, strict=False)
    mapped = found.network_address.ipv4_mapped if isinstance(found, ipaddress.IPv6Network) else None
    if mapped and found.prefixlen >= 96:
        return ipaddress.ip_network(f"{mapped}/{found.prefixlen - 96}")
    return found


def _compared(read: Callable[[str], T], holds: Callable[[Any, Any], bool]) -> Demand:
    """Policy and request are read alike; `holds` compares the request's with the policy's."""

    def demand(pattern: Pattern) -> Match:
        try:
            wanted = read("".join(map(str, pattern)))
        except ValueError:
            return never

        def match(text: str) -> bool:
            try:
                return holds(read(text), wanted)
            except ValueError:
                return False

        return match

    return demand


def _within(pattern: Pattern) -> Match:
    try:
        wanted = network("".join(map(str, pattern)))
    except ValueError:
        return never

    def match(text: str) -> bool:
        try:
            return address(text) in wanted
        except ValueError:
            return False

    return match


def _equals(pattern: Pattern) -> Match:
    return "".join(map(str, pattern)).__eq__


def _equals_ignoring_case(pattern: Pattern) -> Match:
    wanted = "".join(map(str, pattern)).lower()
    return lambda text: text.lower() == wanted


def _pair(name: str, negated_name: str, demand: Demand, **how: Any) -> tuple[Operator, Operator]:
    return Operator(name, demand, **how), Operator(negated_name, demand, negated=True, **how)


def _order(family: str, read: Callable[[str], Any]) -> tuple[Operator, ...]:
    return (
        *_pair(f"{family}Equals", f"{family}NotEquals", _compared(read, eq), reads=read),
        Operator(f"{family}LessThan", _compared(read, lt), reads=read),
        Operator(f"{family}LessThanEquals", _compared(read, le), reads=read),
        Operator(f"{family}GreaterThan", _compared(read, gt), reads=read),
        Operator(f"{family}GreaterThanEquals", _compared(read, ge), reads=read),
    )


_ROWS = (
    *_pair("StringEquals", "StringNotEquals", _equals, variables=True),
    *_pair("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", _equals_ignoring_case, variables=True),
    *_pair("StringLike", "StringNotLike", compiled, wildcards=True, variables=True),
    *_order("Numeric", number),
    *_order("Date", instant),
    Operator("Bool", _compared(boolean, eq), variables=True, reads=boolean),
    Operator("BinaryEquals", _compared(octets, eq), reads=octets),
    *_pair("IpAddress", "NotIpAddress", _within, reads=network),
    *_pair("ArnEquals", "ArnNotEquals", arns.part_by_part, wildcards=True, variables=True),
    *_pair("ArnLike", "ArnNotLike", arns.part_by_part, wildcards=True, variables=True),
)
OPERATORS = {operator.name: operator for operator in _ROWS}
