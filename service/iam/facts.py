"""What a statement says of a request: named, covered, denied. Facts only; `evaluate` draws the verdict from them."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.iam.policy import Policy, Statement
from service.iam.principals import Named
from service.iam.request import Layer, Request

_PRINCIPAL_ARN = "aws:principalarn"


def names(statement: Statement, request: Request, bounded: bool) -> Named:
    """How closely a statement names the caller; one without a principal is attached to the caller itself."""
    if statement.principals is None:
        return Named.ITSELF
    return statement.principals.names(request.principal, bounded=bounded, denies=not statement.allows)


def denials(layer: Layer, request: Request, bounded: bool) -> Iterator[tuple[Policy, Statement]]:
    """Every statement of a layer that denies the request. `bounded`: the caller has a permissions boundary."""
    for policy in layer.policies:
        for statement in policy.about(request.action)[0]:
            if names(statement, request, bounded) and statement.covers(request.resource, request.context):
                yield policy, statement


def permissions(layer: Layer, request: Request, bounded: bool) -> Iterator[tuple[Policy, Statement]]:
    """Every statement of a layer that allows the request, as far as this layer has a say."""
    for policy in layer.policies:
        for statement in policy.about(request.action)[1]:
            if names(statement, request, bounded) and statement.covers(request.resource, request.context):
                yield policy, statement


def allows(layer: Layer, request: Request, bounded: bool) -> bool:
    return next(permissions(layer, request, bounded), None) is not None


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


def grant(layer: Layer, request: Request, bounded: bool) -> Grant:
    """What the layer of a resource's policy gives.

    Naming the user or the session passes over their limits, and so does `*` under a condition on aws:PrincipalArn.
    """
    delegated = direct = unlimited = False
    for _, statement in permissions(layer, request, bounded):
        named = names(statement, request, bounded)
        if named is Named.ACCOUNT:
            delegated = True
            continue
        direct = True
        unlimited |= named is Named.ITSELF or (named is Named.ANYONE and _by_principal_arn(statement))
    return Grant(delegated, direct, unlimited)


def _by_principal_arn(statement: Statement) -> bool:
    assert statement.principals is not None
    return not statement.principals.unless and any(
        condition.key.lower() == _PRINCIPAL_ARN for condition in statement.conditions
    )
