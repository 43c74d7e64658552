"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and the escapes `${*}`, `${?}`, `${$}`.

A text of a policy is read once into a `Template`. What the request puts into it is literal text: a user named `*` is no
wildcard. A key without a value, or with several, gives no value, and the whole text then equals nothing. Version
2008-10-17 knows no variables: there `${aws:username}` is these fifteen characters.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.iam.context import Context
from service.iam.wildcards import Match, Pattern, Piece, pieces

VERSION_WITH_VARIABLES = "2012-10-17"

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_WITH_DEFAULT = re.compile(r"([^,']+?)\s*,\s*'((?:[^']|'')*)'\s*", re.DOTALL)
_REMEMBERED = 256  # for each template, as many as a class has members several times over
_ESCAPES = ("*", "?", "$")


@dataclass(frozen=True, slots=True)
class Variable:
    key: str
    default: str | None = None

    def value(self, context: Context) -> str | None:
        values = context.get(self.key)
        return values[0] if values and len(values) == 1 else self.default


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places that the request fills in."""

    parts: tuple[Piece | Variable, ...]

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(part for part in self.parts if isinstance(part, Variable))

    @property
    def fixed(self) -> Pattern | None:
        """The pattern, where no request changes it."""
        return None if self.variables else tuple(part for part in self.parts if not isinstance(part, Variable))

    def filled_in(self, values: Sequence[str]) -> Pattern:
        """The pattern with one value for each of the variables, in their order."""
        given = iter(values)
        return tuple(next(given) if isinstance(part, Variable) else part for part in self.parts)


class LateMatch:
    """The test that a template demands, made for the values that each request puts into it, and remembered by them."""

    __slots__ = ("_demand", "_known", "_template", "_variables")

    def __init__(self, template: Template, demand: Callable[[Pattern], Match]):
        self._template = template
        self._demand = demand
        self._variables = template.variables
        self._known: dict[tuple[str, ...], Match] = {}

    def for_request(self, context: Context) -> Match | None:
        """None where a variable has no value: nothing equals that."""
        values = []
        for variable in self._variables:
            value = variable.value(context)
            if value is None:
                return None
            values.append(value)
        key = tuple(values)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._demand(self._template.filled_in(key))
        return known


def template(text: str, version: str, *, wildcards: bool) -> Template:
    """`text` of a policy of this version; `wildcards` says whether its `*` and `?` are patterns here."""

    def literal(fixed: str) -> tuple[Piece, ...]:
        return pieces(fixed) if wildcards else (fixed,)

    if version != VERSION_WITH_VARIABLES:
        return Template(literal(text))
    parts: list[Piece | Variable] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        parts += literal(text[end : found.start()])
        parts.append(_read(found[1]))
        end = found.end()
    parts += literal(text[end:])
    return Template(tuple(parts))


def _read(inner: str) -> str | Variable:
    """What stands between the braces: the escaped character itself, or a variable."""
    if inner in _ESCAPES:
        return inner
    defaulted = _WITH_DEFAULT.fullmatch(inner)
    if defaulted:
        return Variable(defaulted[1].strip(), defaulted[2].replace("''", "'"))
    return Variable(inner.strip())


def without_variables(text: str) -> str:
    """`text` less its variables and escapes."""
    return _VARIABLE.sub("", text)


def unfinished(text: str) -> bool:
    """Whether `text` begins a variable that it does not end."""
    return "${" in without_variables(text)
