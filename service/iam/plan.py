"""Which statements have a say in a request, by layer: worked out once for each action."""

from typing import NamedTuple

from service.iam.policy import Kind, Statement
from service.iam.request import Policies, Request, layers

_REMEMBERED = 1024


class Plan(NamedTuple):
    """The statements about one action, in the order of `layers`."""

    denying: tuple[tuple[Kind, Statement], ...]
    allowing: tuple[tuple[Kind, tuple[Statement, ...]], ...]  # one entry a layer, empty ones too: they do not allow


def plan(request: Request, policies: Policies) -> Plan:
    principal = request.principal
    key = (request.action, principal.type, principal.is_management_account, request.within_one_account)
    known: Plan | None = policies.plans.get(key)
    if known is None:
        if len(policies.plans) >= _REMEMBERED:
            policies.plans.clear()
        known = policies.plans[key] = _made(request, policies)
    return known


def _made(request: Request, policies: Policies) -> Plan:
    weighed = layers(request, policies)
    about = [(layer.kind, [policy.about(request.action) for policy in layer.policies]) for layer in weighed]
    return Plan(
        denying=tuple((kind, one) for kind, chosen in about for denying, _ in chosen for one in denying),
        allowing=tuple((kind, tuple(one for _, allowing in chosen for one in allowing)) for kind, chosen in about),
    )
