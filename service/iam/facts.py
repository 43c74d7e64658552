"""What a statement says of a request: named, covered, denied. Facts only; `evaluate` draws the verdict from them."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.iam.conditions import OperatorName
from service.iam.policy import Statement
from service.iam.principals import Named
from service.iam.request import Request

_PRINCIPAL_ARN = "aws:principalarn"


def names(statement: Statement, request: Request, bounded: bool) -> Named:
    """How closely a statement names the caller; one without a principal is attached to the caller itself."""
    if statement.principals is None:
        return Named.ITSELF
    return statement.principals.names(request.principal, bounded=bounded, denies=not statement.allows)


def applies(statement: Statement, request: Request, bounded: bool) -> bool:
    """Whether a statement about this action is also about this caller, resource and context.

    `bounded`: the caller has a permissions boundary.
    """
    return bool(
        (statement.principals is None or names(statement, request, bounded))
        and statement.covers(request.resource, request.context)
    )


def allows(statements: Iterable[Statement], request: Request, bounded: bool) -> bool:
    for statement in statements:  # noqa: SIM110 - a hot loop, and any() takes twice the time
        if applies(statement, request, bounded):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Grant:
    """What a resource's policy gives a caller."""

    delegated: bool = False  # it names the account, which decides by its own policies
    direct: bool = False  # it names the caller, the caller's role, or anyone
    unlimited: bool = False  # direct, and past implicit denies of boundary and session policy

    @property
    def any(self) -> bool:
        return self.delegated or self.direct


NO_GRANT = Grant()


def grant(statements: Iterable[Statement], request: Request, bounded: bool) -> Grant:
    """What these allowing statements of a resource's policy give.

    Naming the user or the session passes over their limits, and so does `*` under a condition on aws:PrincipalArn.
    """
    delegated = direct = unlimited = False
    for statement in statements:
        if not applies(statement, request, bounded):
            continue
        named = names(statement, request, bounded)
        if named is Named.ACCOUNT:
            delegated = True
            continue
        direct = True
        unlimited |= named is Named.ITSELF or (named is Named.ANYONE and _by_principal_arn(statement))
    return Grant(delegated, direct, unlimited)


def _by_principal_arn(statement: Statement) -> bool:
    """Whether a statement for anyone says by a condition whose ARN is meant; saying whose is not is no grant to one."""
    assert statement.principals is not None
    return not statement.principals.unless and any(
        condition.key.lower() == _PRINCIPAL_ARN and _demands_a_value(condition.operator)
        for condition in statement.conditions
    )


def _demands_a_value(operator: str) -> bool:
    name = OperatorName.read(operator)
    return name.operator is not None and not name.operator.negated and not name.if_exists
