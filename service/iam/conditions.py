"""The Condition element, compiled: one test for each operator and key, all of which must hold.

What a key that the request has not means: a positive operator fails, a negated one holds, `…IfExists` and
`ForAllValues:` hold, `ForAnyValue:` fails even where it is negated. A key whose only values are empty strings is as
good as missing to the set operators and `Null`. A key of several values under an operator without a set prefix matches
where one of them does, and a negated operator where none does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from service.iam.context import Context, Values
from service.iam.operators import NULL, OPERATORS, Operator, never
from service.iam.variables import LateMatch, Template, template
from service.iam.wildcards import Match

IF_EXISTS = "IfExists"

Test = Callable[[Context], bool]


class SetOperator(Enum):
    NONE = ""
    FOR_ALL = "ForAllValues"
    FOR_ANY = "ForAnyValue"


@dataclass(frozen=True, slots=True)
class OperatorName:
    """`ForAllValues:StringLikeIfExists`, taken apart."""

    operator: Operator | None  # None: Null
    set_operator: SetOperator
    if_exists: bool

    @classmethod
    def read(cls, text: str) -> "OperatorName":
        """Raises ValueError with a sentence where there is no such operator."""
        prefix, colon, name = text.rpartition(":")
        if colon and prefix not in (SetOperator.FOR_ALL.value, SetOperator.FOR_ANY.value):
            raise ValueError(f'"{text}" is no condition operator: a set operator is ForAllValues or ForAnyValue.')
        set_operator = SetOperator(prefix)
        if name == NULL:
            return cls(None, set_operator, False)
        bare = name.removesuffix(IF_EXISTS)
        if bare == NULL:
            raise ValueError("Null already tests whether the key exists and cannot end in IfExists.")
        if bare not in OPERATORS:
            raise ValueError(f'"{text}" is no condition operator.')
        return cls(OPERATORS[bare], set_operator, bare != name)


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator with one key. `wanted` are the policy's values as they are written."""

    operator: str
    key: str
    wanted: tuple[str, ...]
    holds: Test = field(repr=False, compare=False)
    variable_keys: tuple[str, ...] = ()  # the keys behind the policy variables in `wanted`


def compile_condition(operator: str, key: str, wanted: Sequence[str], version: str) -> Condition:
    name = OperatorName.read(operator)
    lowered = key.lower()

    def values_in(context: Context) -> Values | None:
        return context.find(lowered, key)

    if name.operator is None:
        return Condition(operator, key, tuple(wanted), _null_test(wanted, values_in))
    usable_version = version if name.operator.variables else ""
    templates = [template(text, usable_version, wildcards=name.operator.wildcards) for text in wanted]
    keys = tuple(variable.key for each in templates for variable in each.variables if variable.default is None)
    demands = _demands(name.operator, templates)
    return Condition(operator, key, tuple(wanted), _test(name, values_in, demands), keys)


def _null_test(wanted: Sequence[str], values_in: Callable[[Context], Values | None]) -> Test:
    missing_is_wanted = {text.lower() == "true" for text in wanted if text.lower() in ("true", "false")}

    def holds(context: Context) -> bool:
        return _is_null(values_in(context)) in missing_is_wanted

    return holds


def _is_null(values: Values | None) -> bool:
    return not values or not any(values)


def _demands(operator: Operator, templates: Sequence[Template]) -> Callable[[Context], Match]:
    """For a request: the test whether one of its values is one of the policy's, before any negation."""
    fixed = [each.fixed for each in templates]
    ready = [operator.demand(pattern) for pattern in fixed if pattern is not None]
    late = [LateMatch(each, operator.demand) for each in templates if each.fixed is None]
    if not late:
        any_ready = _any(ready)
        return lambda context: any_ready

    def for_request(context: Context) -> Match:
        filled = [test for each in late if (test := each.for_request(context)) is not None]
        return _any([*ready, *filled])

    return for_request


def _any(tests: Sequence[Match]) -> Match:
    if not tests:
        return never
    if len(tests) == 1:
        return tests[0]
    return lambda text: any(test(text) for test in tests)


def _test(
    name: OperatorName, values_in: Callable[[Context], Values | None], demands: Callable[[Context], Match]
) -> Test:
    assert name.operator is not None
    negated = name.operator.negated
    if name.set_operator is SetOperator.FOR_ALL:

        def for_all(context: Context) -> bool:
            values = values_in(context)
            if _is_null(values):
                return True
            match = demands(context)
            return all(match(value) is not negated for value in values or ())

        return for_all

    when_missing = name.if_exists if name.set_operator is SetOperator.FOR_ANY else name.if_exists or negated
    if name.set_operator is SetOperator.FOR_ANY:

        def for_any(context: Context) -> bool:
            values = values_in(context)
            if _is_null(values):
                return when_missing
            match = demands(context)
            return any(match(value) is not negated for value in values or ())

        return for_any

    def plain(context: Context) -> bool:
        values = values_in(context)
        if not values:
            return when_missing
        match = demands(context)
        if len(values) == 1:
            return match(values[0]) is not negated
        return any(match(value) for value in values) is not negated

    return plain
