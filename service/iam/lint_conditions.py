"""What the linter looks for in one condition: an operator with a key and its values."""

import ipaddress
from collections.abc import Callable

from service.iam.conditions import Condition, OperatorName, SetOperator
from service.iam.finding import Finding, FindingType, Found
from service.iam.key_facts import ALWAYS_PRESENT, MULTI_VALUED, SINGLE_VALUED, belongs_to
from service.iam.operators import NULL, boolean, network
from service.iam.policy import Statement
from service.iam.variables import unfinished, without_variables


def _vacuous_for_all(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    if name.set_operator is not SetOperator.FOR_ALL or not statement.allows:
        return
    if not any(_demands_presence(other, condition.key) for other in statement.conditions):
        yield Finding(
            FindingType.SECURITY_WARNING,
            "FOR_ALL_VALUES_WITHOUT_NULL",
            path,
            f"ForAllValues is true when the request has no {condition.key}: the statement then allows.",
            f'Add "Null": {{"{condition.key}": "false"}} to the condition.',
        )


def _demands_presence(condition: Condition, key: str) -> bool:
    if condition.key.lower() != key.lower():
        return False
    name = OperatorName.read(condition.operator)
    if name.operator is None:
        return [text.lower() for text in condition.wanted] == ["false"]
    return name.set_operator is SetOperator.FOR_ANY and not name.if_exists


def _set_operators(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    if name.set_operator is not SetOperator.NONE and belongs_to(condition.key, SINGLE_VALUED):
        yield Finding(
            FindingType.WARNING,
            "SET_OPERATOR_ON_SINGLE_VALUE",
            path,
            f"{condition.key} has one value at most, and {name.set_operator.value} is for keys of several.",
            f"Write the operator without {name.set_operator.value}.",
        )
    elif name.set_operator is SetOperator.NONE and name.operator and belongs_to(condition.key, MULTI_VALUED):
        yield Finding(
            FindingType.WARNING,
            "NO_SET_OPERATOR_ON_MANY_VALUES",
            path,
            f"{condition.key} may have several values; without a set operator one that matches is enough.",
            "Begin the operator with ForAnyValue: or ForAllValues:.",
        )


def _wildcards_taken_literally(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    if name.operator is None or not name.operator.name.startswith("String") or name.operator.wildcards:
        return
    for text in condition.wanted:
        if any(sign in without_variables(text) for sign in "*?"):
            like = "StringNotLike" if name.operator.negated else "StringLike"
            yield Finding(
                FindingType.WARNING,
                "WILDCARD_WITHOUT_LIKE",
                path,
                f'{name.operator.name} takes the "*" or "?" in "{text}" for the character itself.',
                f"Use {like}.",
            )


def _optional_booleans(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    if name.operator is None or name.operator.name != "Bool" or name.if_exists:
        return
    if "false" in [text.lower() for text in condition.wanted] and not belongs_to(condition.key, ALWAYS_PRESENT):
        yield Finding(
            FindingType.WARNING,
            "FALSE_ON_OPTIONAL_KEY",
            path,
            f"Where a request has no {condition.key}, Bool false does not match; the key is not always there.",
            "Use BoolIfExists, which also matches where the key is missing.",
        )


def _mixed_addresses(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    if name.operator is None or not name.operator.name.endswith("IpAddress"):
        return
    ranges = [found for text in condition.wanted if (found := _network(text)) and found.prefixlen]
    private = {found.is_private for found in ranges}
    if len(private) == 2:
        yield Finding(
            FindingType.WARNING,
            "PRIVATE_AND_PUBLIC_ADDRESSES",
            path,
            "The list mixes private and public addresses; a request comes with the one kind or the other.",
            "Keep public addresses under aws:SourceIp and private ones under aws:VpcSourceIp.",
        )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return network(text)
    except ValueError:
        return None


def _values(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    if not condition.wanted:
        yield Finding(
            FindingType.SUGGESTION,
            "NO_VALUES",
            path,
            "The list of values is empty: no value of a request is in it.",
            "Write the values that are meant, or leave the condition out.",
        )
    reads = boolean if name.operator is None else name.operator.reads
    for text in condition.wanted:
        filled_in = name.operator is not None and name.operator.variables and "${" in text
        if reads is not None and not filled_in:
            try:
                reads(text)
            except ValueError:
                yield _unreadable(name.operator.name if name.operator else NULL, text, path)
        elif unfinished(text):
            yield Finding(
                FindingType.WARNING,
                "UNFINISHED_VARIABLE",
                path,
                f'"{text}" begins a policy variable that it does not end; it is taken literally.',
                "Close the brace, or write ${$} for a dollar sign.",
            )


def _unreadable(operator: str, text: str, path: str) -> Finding:
    return Finding(
        FindingType.ERROR,
        "UNREADABLE_VALUE",
        path,
        f'{operator} cannot read "{text}"; it equals no value of a request.',
        "Policy variables work under String, Arn and Bool operators only." if "${" in text else "Mend the value.",
    )


def _service_tag_keys(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    prefix, _, rest = condition.key.partition(":")
    if prefix.lower() == "deepcomposer" and rest.lower().startswith(("resourcetag/", "requesttag/", "tagkeys")):
        yield Finding(
            FindingType.WARNING,
            "SERVICE_PREFIX_ON_GLOBAL_KEY",
            path,
            f"{condition.key} is spelled as a key of the service; tags are global keys.",
            f"Write aws:{rest}.",
        )


def _several_booleans(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    if (name.operator is None or name.operator.name == "Bool") and len({text.lower() for text in condition.wanted}) > 1:
        yield Finding(
            FindingType.ERROR,
            "SEVERAL_BOOLEANS",
            path,
            "The list holds true and false: whatever the request has is in it.",
            "Write the one that is meant.",
        )


def _key_twice(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    key = condition.key.lower()
    same = [
        each.key for each in statement.conditions if each.operator == condition.operator and each.key.lower() == key
    ]
    if len(same) > 1 and condition.key != same[0]:
        yield Finding(
            FindingType.ERROR,
            "KEY_TWICE_IN_DIFFERENT_CASE",
            path,
            f"{condition.key} and {same[0]} are the same key; both conditions must hold.",
            "Put all values into one list, or leave one out.",
        )


def _tag_without_key(condition: Condition, name: OperatorName, statement: Statement, path: str) -> Found:
    prefix, _, tag = condition.key.partition("/")
    if prefix.lower().endswith(("requesttag", "resourcetag", "principaltag")) and not tag:
        yield Finding(
            FindingType.ERROR,
            "MISSING_TAG_KEY",
            path,
            f"{condition.key} names no tag.",
            f"Write {prefix}/ and the key of the tag.",
        )


CONDITION_CHECKS: tuple[Callable[[Condition, OperatorName, Statement, str], Found], ...] = (
    _vacuous_for_all,
    _set_operators,
    _wildcards_taken_literally,
    _optional_booleans,
    _mixed_addresses,
    _values,
    _service_tag_keys,
    _several_booleans,
    _key_twice,
    _tag_without_key,
)
