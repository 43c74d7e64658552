"""What a well-formed policy says that its author may not have meant, each finding with its place and advice.

The kinds of findings and their codes follow IAM Access Analyzer's ValidatePolicy, so that both can be answered from
here. Each check is a generator in `CHECKS`; a condition key that no service knows is no finding, for services add keys.
"""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from service.iam.arns import PARTS
from service.iam.conditions import Condition, OperatorName, SetOperator
from service.iam.documents import parse
from service.iam.key_facts import ALWAYS_PRESENT, MULTI_VALUED, SINGLE_VALUED, belongs_to
from service.iam.operators import NULL, boolean, network
from service.iam.policy import Kind, MalformedPolicy, Policy, Statement
from service.iam.variables import VERSION_WITH_VARIABLES, unfinished, without_variables
from service.iam.wildcards import glob


class FindingType(Enum):
    ERROR = "ERROR"
    SECURITY_WARNING = "SECURITY_WARNING"
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` leads to the element, such as `Statement[0].Condition.StringEquals.aws:username`."""

    type: FindingType
    code: str
    path: str
    message: str
    advice: str


Found = Iterator[Finding]


def lint(document: str, kind: Kind, *, limit: int | None = None) -> tuple[Finding, ...]:
    """Everything found, in the order of the document; a malformed one has its one error."""
    try:
        policy = parse(document, kind, limit=limit)
    except MalformedPolicy as error:
        advice = "Mend this first; the rest is looked at when the document can be read."
        return (Finding(FindingType.ERROR, "MALFORMED_POLICY", error.path, str(error), advice),)
    findings = list(_of_document(policy, document))
    for statement in policy.statements:
        for check in CHECKS:
            findings += check(statement, policy)
    return tuple(findings)


def _of_document(policy: Policy, document: str) -> Found:
    if policy.version == VERSION_WITH_VARIABLES:
        return
    message = f"The policy's version is {policy.version}."
    if "${" in document:
        message += " Policy variables are literal text in it."
        yield Finding(FindingType.WARNING, "VARIABLES_IN_OLD_VERSION", "Version", message, _NEW_VERSION)
    else:
        yield Finding(FindingType.SUGGESTION, "OLD_VERSION", "Version", message, _NEW_VERSION)


_NEW_VERSION = f'Write "Version": "{VERSION_WITH_VARIABLES}".'


def _negated_elements(statement: Statement, policy: Policy) -> Found:
    path = f"Statement[{statement.index}]"
    if statement.principals is not None and statement.principals.unless:
        yield _not_principal(statement, path)
    if not statement.allows:
        return
    if statement.actions.unless:
        yield Finding(
            FindingType.SECURITY_WARNING,
            "ALLOW_WITH_NOT_ACTION",
            f"{path}.NotAction",
            "Allow with NotAction grants every action that is not listed, those of services yet to come included.",
            "List the actions that are meant under Action, or Deny the listed ones.",
        )
    if statement.resources is not None and statement.resources.unless:
        yield Finding(
            FindingType.SECURITY_WARNING,
            "ALLOW_WITH_NOT_RESOURCE",
            f"{path}.NotResource",
            "Allow with NotResource grants the actions on everything that is not listed.",
            "List the resources that are meant under Resource, or Deny the listed ones.",
        )


def _not_principal(statement: Statement, path: str) -> Finding:
    if statement.allows:
        return Finding(
            FindingType.SECURITY_WARNING,
            "ALLOW_WITH_NOT_PRINCIPAL",
            f"{path}.NotPrincipal",
            "Allow with NotPrincipal grants everyone who is not listed, anonymous callers included.",
            "Name under Principal who is meant.",
        )
    return Finding(
        FindingType.WARNING,
        "DENY_WITH_NOT_PRINCIPAL",
        f"{path}.NotPrincipal",
        "Deny with NotPrincipal also denies the listed ones where they have a permissions boundary.",
        'Use Principal "*" with a condition such as ArnNotEquals on aws:PrincipalArn.',
    )


def _open_to_all(statement: Statement, policy: Policy) -> Found:
    principals = statement.principals
    # A resource control policy has to name everybody; it grants nothing.
    limits_only = policy.kind is Kind.RESOURCE_CONTROL
    if principals is None or principals.unless or not principals.anyone or not statement.allows or limits_only:
        return
    if not statement.conditions:
        yield Finding(
            FindingType.SECURITY_WARNING,
            "WILDCARD_PRINCIPAL",
            f"Statement[{statement.index}].Principal",
            'Principal "*" without a condition allows everyone, anonymous callers included.',
            "Name accounts, users or roles, or add a condition such as aws:PrincipalAccount.",
        )


def _everything(statement: Statement, policy: Policy) -> Found:
    # Service control policies and boundaries often begin with all and take away from it.
    if policy.kind not in (Kind.IDENTITY, Kind.SESSION) or not statement.allows or statement.conditions:
        return
    if statement.actions.everything and statement.resources is not None and statement.resources.everything:
        yield Finding(
            FindingType.WARNING,
            "ALLOW_EVERYTHING",
            f"Statement[{statement.index}].Action",
            "All actions on all resources: whoever holds this policy is an administrator.",
            "List the actions and resources that are needed.",
        )


def _pass_role(statement: Statement, policy: Policy) -> Found:
    resources = statement.resources
    if not statement.allows or resources is None or not statement.actions.cover("iam:passrole"):
        return
    any_role = any(text == "*" or text.endswith((":role/*", ":*")) for text in resources.written)
    bound = any(condition.key.lower() == "iam:passedtoservice" for condition in statement.conditions)
    # Where all actions are allowed that is told already.
    if any_role and not bound and not resources.unless and not statement.actions.everything:
        yield Finding(
            FindingType.SECURITY_WARNING,
            "PASS_ROLE_ON_EVERYTHING",
            f"Statement[{statement.index}].Resource",
            "iam:PassRole on every role lets its holder hand any role, an administrator's too, to a service.",
            "Name the roles, and say in a condition on iam:PassedToService who may get them.",
        )


_COMPARED_ACTIONS = 300  # each is compared with each; a managed policy hardly holds more


def _early_variables(statement: Statement, policy: Policy) -> Found:
    if statement.resources is None or policy.version != VERSION_WITH_VARIABLES:
        return
    for place, text in enumerate(statement.resources.written):
        leading = text.split("${", 1)[0]
        if "${" in text and leading.count(":") < PARTS - 1:
            yield Finding(
                FindingType.WARNING,
                "VARIABLE_BEFORE_RESOURCE",
                f"Statement[{statement.index}].{'NotResource' if statement.resources.unless else 'Resource'}[{place}]",
                f'"{text}" has a variable before the fifth colon; AWS documents them for the resource alone.',
                "Write partition, service, region and account as they are, or use a condition.",
            )


def _redundant_actions(statement: Statement, policy: Policy) -> Found:
    written = statement.actions.written[:_COMPARED_ACTIONS]
    for place, action in enumerate(written):
        for other_place, other in enumerate(written):
            same = action.lower() == other.lower()
            wider = "?" not in other and glob(other.lower())(action.lower())
            if (same and other_place < place) or (wider and not same):
                yield Finding(
                    FindingType.SUGGESTION,
                    "REDUNDANT_ACTION",
                    f"Statement[{statement.index}].{'NotAction' if statement.actions.unless else 'Action'}[{place}]",
                    f'"{action}" says nothing that "{other}" does not say.',
                    f'Leave "{action}" out.',
                )
                break


def _conditions(statement: Statement, policy: Policy) -> Found:
    for condition in statement.conditions:
        path = f"Statement[{statement.index}].Condition.{condition.operator}.{condition.key}"
        name = OperatorName.read(condition.operator)
        for check in CONDITION_CHECKS:
            yield from check(condition, name, statement, path)


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
        if reads is not None:
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
        "Policy variables work under String and Arn operators only." if "${" in text else "Mend the value.",
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


CHECKS: tuple[Callable[[Statement, Policy], Found], ...] = (
    _negated_elements,
    _open_to_all,
    _everything,
    _pass_role,
    _early_variables,
    _redundant_actions,
    _conditions,
)
CONDITION_CHECKS: tuple[Callable[[Condition, OperatorName, Statement, str], Found], ...] = (
    _vacuous_for_all,
    _set_operators,
    _wildcards_taken_literally,
    _optional_booleans,
    _mixed_addresses,
    _values,
    _service_tag_keys,
)
