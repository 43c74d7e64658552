"""What a well-formed policy says that its author may not have meant, each finding with its place and advice.

The kinds of findings and their codes follow IAM Access Analyzer's ValidatePolicy, so that both can be answered from
here. Each check is a generator in `CHECKS`; a condition key that no service knows is no finding, for services add keys.
"""

from collections.abc import Callable

from service.iam.arns import PARTS
from service.iam.conditions import OperatorName
from service.iam.documents import parse
from service.iam.finding import Finding, FindingType, Found
from service.iam.lint_conditions import CONDITION_CHECKS
from service.iam.policy import Kind, MalformedPolicy, Policy, Statement
from service.iam.variables import VERSION_WITH_VARIABLES
from service.iam.wildcards import glob


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
    if policy.identifier and policy.kind in (Kind.IDENTITY, Kind.BOUNDARY, Kind.SESSION):
        message = f"A {policy.kind.value} has no use for an Id; it belongs to policies of resources."
        yield Finding(FindingType.WARNING, "ID_IN_IDENTITY_POLICY", "Id", message, "Leave it out.")
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


CHECKS: tuple[Callable[[Statement, Policy], Found], ...] = (
    _negated_elements,
    _open_to_all,
    _everything,
    _pass_role,
    _early_variables,
    _redundant_actions,
    _conditions,
)
