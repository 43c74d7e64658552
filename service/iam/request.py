"""What is asked, and the policies that have a say in it."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from service.iam.context import Context
from service.iam.policy import Kind, Policy
from service.iam.principals import Principal

Levels = tuple[tuple[Policy, ...], ...]  # an organization's policies, the root's first


@dataclass(frozen=True)
class Request:
    """May `principal` do `action` (`s3:GetObject`) to `resource` (an ARN, or `*` where the action knows none)?

    `resource_account` is the account that owns the resource; empty means the principal's own.
    """

    principal: Principal
    action: str
    resource: str
    context: Context = field(default_factory=Context)
    resource_account: str = ""

    @property
    def within_one_account(self) -> bool:
        return not self.resource_account or self.resource_account == self.principal.account


@dataclass(frozen=True)
class Policies:
    """Every policy that applies, already parsed.

    `session` is None for a principal without session policies; an empty tuple is a session without rights. A level of
    an organization allows where one of its policies does; every level has to. `resource_is_authoritative` says that
    identity policies count only where the resource's own policy hands the decision to the account: so it is with KMS
    keys and role trust policies.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    service_control: Levels = ()
    resource_control: Levels = ()
    resource: Policy | None = None
    resource_is_authoritative: bool = False
    plans: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # of plan.plan


class Layer(NamedTuple):
    """Policies of one kind that are weighed together: one allow among them is enough."""

    kind: Kind
    policies: tuple[Policy, ...]


def layers(request: Request, policies: Policies) -> list[Layer]:
    """What limits or grants this request, in the order in which a denial is told.

    Service control policies leave the organization's management account and the services themselves alone, and resource
    control policies the management account's own resources. A root user has no identity policies, and nobody outside an
    account has any.
    """
    principal = request.principal
    found: list[Layer] = []
    if policies.service_control and principal.has_identity and not principal.is_management_account:
        found += [Layer(Kind.SERVICE_CONTROL, level) for level in policies.service_control]
    if policies.resource_control and not (principal.is_management_account and request.within_one_account):
        found += [Layer(Kind.RESOURCE_CONTROL, level) for level in policies.resource_control]
    if policies.resource is not None:
        found.append(Layer(policies.resource.kind, (policies.resource,)))
    if principal.has_identity:
        if principal.type != "root":
            found.append(Layer(Kind.IDENTITY, policies.identity))
            if policies.boundary is not None:
                found.append(Layer(Kind.BOUNDARY, (policies.boundary,)))
        if policies.session is not None:
            found.append(Layer(Kind.SESSION, policies.session))
    return found
