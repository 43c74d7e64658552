"""A graph of Python objects as JSON, and back again.

Every list, dict, set and instance is a node with a number, and is told by it wherever it occurs: what was one object
stays one object, and cycles stay cycles. Loading makes only what the codec was given: instances come from
`object.__new__`, and their attributes are put in place. No constructor, no import and no other code is chosen by the
data.

    {"nodes": [node, …], "root": value}

    value   null, true, 5, 1.5, "text"; ["node", number]; ["known", name]: an object that both sides have already;
            ["bytes", base64], ["datetime", ISO 8601], ["date", ISO 8601], ["decimal", digits], ["float", "inf"],
            ["uuid", hex], ["tuple", [value, …]], ["frozenset", [value, …]], ["enum", class, member],
            ["pattern", expression, flags]
    node    ["list", [value, …]], ["set", [value, …]], ["map", {text: value}], ["dict", [[value, value], …]],
            ["ordered", [[value, value], …]], ["default", factory, [[value, value], …]],
            ["object", class, {attribute: value}], and for a subclass of dict with [[value, value], …] behind it,
            ["pkcs8", base64]: a private key; ["lock"], ["rlock"]: a new one each time

The same graph always gives the same bytes, so that whether something changed is a comparison.
"""

import json
import math
import re
import threading
import uuid
from base64 import b64decode, b64encode
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from infra.local.durable.errors import StoreError

_SCALARS = frozenset({type(None), bool, int, str})
_LOCK = type(threading.Lock())
_RLOCK = type(threading.RLock())
_PRIVATE_KEYS = (RSAPrivateKey, EllipticCurvePrivateKey)
_FACTORIES: Mapping[str, Callable[[], Any]] = {"dict": dict, "int": int, "list": list, "set": set, "str": str}


class GraphError(StoreError):
    """The graph holds what the codec was not given; the message names the way there."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A class whose instances are kept, those of its subclasses as its own.

    `left_out` are the attributes that are not stored; `anew` are further ones, with what makes them again.
    """

    type: type
    left_out: frozenset[str] = frozenset()
    anew: Mapping[str, Callable[[], Any]] = field(default_factory=dict)


class Codec:
    """Writes and reads graphs of the given classes."""

    def __init__(self, classes: Iterable[Kept], enums: Iterable[type[Enum]] = ()) -> None:
        self._classes = {name_of(kept.type): kept for kept in classes}
        self._enums = {name_of(enum): enum for enum in enums}
        self._kept_by_type: dict[type, tuple[str, Kept] | None] = {}

    def dump(self, root: Any, known: Mapping[int, str] | None = None) -> bytes:
        """The graph of everything that can be reached from `root`.

        `known` has, by `id()`, the names of objects that the graph refers to and does not hold. Raises GraphError.
        """
        return _Writer(self, known or {}).write(root)

    def load(self, data: bytes, known: Callable[[str], Any] | None = None) -> Any:
        """The root of a dumped graph; `known` gives an object by its name. Raises GraphError."""
        try:
            document = json.loads(data)
            return _Reader(self, known or _nothing_known, document["nodes"]).read(document["root"])
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise GraphError(f"the stored graph cannot be read: {error!r}") from error

    def kept(self, thing_type: type) -> tuple[str, Kept] | None:
        """The name and rule of the nearest class that is kept, among a class and those it comes from."""
        if thing_type not in self._kept_by_type:
            names = ((name_of(base), base) for base in thing_type.__mro__)
            found = next(((name, self._classes[name]) for name, _ in names if name in self._classes), None)
            self._kept_by_type[thing_type] = found
        return self._kept_by_type[thing_type]

    def class_named(self, name: str) -> Kept:
        if name not in self._classes:
            raise GraphError(f"the class {name} is not among those that are kept")
        return self._classes[name]

    def enum_named(self, name: str) -> type[Enum]:
        if name not in self._enums:
            raise GraphError(f"the enumeration {name} is not among those that are kept")
        return self._enums[name]


def name_of(kept: type) -> str:
    return f"{kept.__module__}:{kept.__qualname__}"


class _Writer:
    """Numbers the nodes in the order in which they are first met, breadth first: no depth is too deep."""

    def __init__(self, codec: Codec, known: Mapping[int, str]) -> None:
        self._codec = codec
        self._known = known
        self._numbers: dict[int, int] = {}
        self._things: list[Any] = []  # which also keeps their ids from being given to others
        self._origins: list[tuple[int, Any]] = []  # each node's: the node that it was met in, and where there
        self._at = -1

    def write(self, root: Any) -> bytes:
        root_value = self._value(root, "root")
        nodes: list[list[Any]] = []
        for thing in self._things:  # grows as it goes
            self._at = len(nodes)
            nodes.append(self._node(thing))
        document = {"nodes": nodes, "root": root_value}
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")

    def _value(self, thing: Any, where: Any) -> Any:
        thing_type = type(thing)
        if thing_type in _SCALARS:
            return thing
        if thing_type is float:
            return thing if math.isfinite(thing) else ["float", str(thing)]
        if id(thing) in self._known:
            return ["known", self._known[id(thing)]]
        write = _INLINE.get(thing_type)
        if write:
            return write(thing)
        if thing_type is tuple:
            return ["tuple", [self._value(element, where) for element in thing]]
        if thing_type is frozenset:
            return ["frozenset", self._sorted(thing, where)]
        if isinstance(thing, Enum):
            name = name_of(thing_type)
            self._codec.enum_named(name)
            return ["enum", name, thing.name]
        return ["node", self._number(thing, where)]

    def _number(self, thing: Any, where: Any) -> int:
        number = self._numbers.get(id(thing))
        if number is None:
            number = self._numbers[id(thing)] = len(self._things)
            self._things.append(thing)
            self._origins.append((self._at, where))
        return number

    def _node(self, thing: Any) -> list[Any]:
        thing_type = type(thing)
        if thing_type is dict:
            if all(type(key) is str for key in thing):
                return ["map", {key: self._value(value, key) for key, value in thing.items()}]
            return ["dict", self._pairs(thing)]
        if thing_type is list:
            return ["list", [self._value(element, place) for place, element in enumerate(thing)]]
        if thing_type is set:
            return ["set", self._sorted(thing, "member")]
        if thing_type is OrderedDict:
            return ["ordered", self._pairs(thing)]
        if thing_type is defaultdict:
            return ["default", self._factory(thing), self._pairs(thing)]
        if isinstance(thing, _PRIVATE_KEYS):
            return ["pkcs8", _base64(thing.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))]
        if thing_type in (_LOCK, _RLOCK):
            return ["lock" if thing_type is _LOCK else "rlock"]
        return self._object(thing, thing_type)

    def _object(self, thing: Any, thing_type: type) -> list[Any]:
        found = self._codec.kept(thing_type)
        if found is None or not hasattr(thing, "__dict__"):
            raise GraphError(f"{self._way()} is a {name_of(thing_type)}, which is not among the classes that are kept")
        name, kept = found
        attributes = {
            attribute: self._value(value, attribute)
            for attribute, value in sorted(vars(thing).items())
            if attribute not in kept.left_out and attribute not in kept.anew
        }
        if isinstance(thing, dict):
            return ["object", name, attributes, self._pairs(thing)]
        return ["object", name, attributes]

    def _pairs(self, thing: dict[Any, Any]) -> list[list[Any]]:
        """The raw contents of a dict, whatever its own `__getitem__` would make of them."""
        pairs = []
        for key, value in dict.items(thing):
            written = self._value(key, key)
            if type(written) is list and written[0] == "node":
                raise GraphError(f"{self._way()} has a key that is a {name_of(type(key))}; keys must be plain values")
            pairs.append([written, self._value(value, key)])
        return pairs

    def _sorted(self, members: Iterable[Any], where: Any) -> list[Any]:
        return sorted((self._value(member, where) for member in members), key=json.dumps)

    def _factory(self, thing: defaultdict[Any, Any]) -> str | None:
        for name, factory in _FACTORIES.items():
            if thing.default_factory is factory:
                return name
        if thing.default_factory is not None:
            raise GraphError(f"{self._way()} is a defaultdict of {thing.default_factory!r}, which is not kept")
        return None

    def _way(self) -> str:
        """How the node that is being written was reached, as in root.users.ada.tags."""
        steps = []
        at = self._at
        while at >= 0:
            at, step = self._origins[at]
            steps.append(str(step))
        return ".".join(reversed(steps))


class _Reader:
    """Makes every node empty first, and fills it then: so each may refer to any other."""

    def __init__(self, codec: Codec, known: Callable[[str], Any], nodes: list[Any]) -> None:
        self._codec = codec
        self._known = known
        self._nodes = nodes
        self._things: list[Any] = []

    def read(self, root: Any) -> Any:
        self._things = [self._empty(node) for node in self._nodes]
        for node, thing in zip(self._nodes, self._things, strict=True):
            self._fill(node, thing)
        return self._value(root)

    def _empty(self, node: list[Any]) -> Any:
        match node:
            case ["list", _]:
                return []
            case ["map" | "dict", _]:
                return {}
            case ["set", _]:
                return set()
            case ["ordered", _]:
                return OrderedDict()
            case ["default", factory, _]:
                return defaultdict(_FACTORIES[factory] if factory else None)
            case ["object", name, *_]:
                kept_type = self._codec.class_named(name).type
                return dict.__new__(kept_type) if issubclass(kept_type, dict) else object.__new__(kept_type)
            case ["pkcs8", text]:
                # It comes out of sealed storage: to prove its primes again would take longer than all the rest.
                return load_der_private_key(b64decode(text), None, unsafe_skip_rsa_key_validation=True)
            case ["lock"]:
                return threading.Lock()
            case ["rlock"]:
                return threading.RLock()
        raise GraphError(f"{node[0]!r} is no kind of node")

    def _fill(self, node: list[Any], thing: Any) -> None:
        match node:
            case ["list", elements]:
                thing.extend(self._value(element) for element in elements)
            case ["set", elements]:
                thing.update(self._value(element) for element in elements)
            case ["map", members]:
                for key, value in members.items():
                    thing[key] = self._value(value)
            case ["dict" | "ordered", pairs] | ["default", _, pairs]:
                thing.update(self._pairs(pairs))
            case ["object", name, attributes, *rest]:
                kept = self._codec.class_named(name)
                state = {attribute: self._value(value) for attribute, value in attributes.items()}
                vars(thing).update(state | {attribute: make() for attribute, make in kept.anew.items()})
                if rest:
                    dict.update(thing, self._pairs(rest[0]))

    def _pairs(self, pairs: list[Any]) -> list[tuple[Any, Any]]:
        return [(self._value(key), self._value(value)) for key, value in pairs]

    def _value(self, written: Any) -> Any:
        if type(written) is not list:
            return written
        match written:
            case ["node", number]:
                return self._things[number]
            case ["known", name]:
                return self._known(name)
            case ["tuple", elements]:
                return tuple(self._value(element) for element in elements)
            case ["frozenset", elements]:
                return frozenset(self._value(element) for element in elements)
            case ["enum", name, member]:
                return self._codec.enum_named(name)[member]
            case ["pattern", expression, flags]:
                return re.compile(self._value(expression), flags)
            case [tag, text]:
                return _MADE_OF_TEXT[tag](text)
        raise GraphError(f"{written[0]!r} is no kind of value")


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _nothing_known(name: str) -> Any:
    raise GraphError(f"nothing is known by the name {name}")


def _pattern(value: re.Pattern[Any]) -> list[Any]:
    expression = ["bytes", _base64(value.pattern)] if isinstance(value.pattern, bytes) else value.pattern
    return ["pattern", expression, value.flags & ~re.UNICODE if isinstance(value.pattern, str) else value.flags]


_INLINE: Mapping[type, Callable[[Any], Any]] = {
    bytes: lambda value: ["bytes", _base64(value)],
    date: lambda value: ["date", value.isoformat()],
    datetime: lambda value: ["datetime", value.isoformat()],
    Decimal: lambda value: ["decimal", str(value)],
    uuid.UUID: lambda value: ["uuid", value.hex],
    re.Pattern: _pattern,
}
_MADE_OF_TEXT: Mapping[str, Callable[[str], Any]] = {
    "bytes": b64decode,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "decimal": Decimal,
    "float": float,
    "uuid": uuid.UUID,
}
