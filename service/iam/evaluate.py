"""The verdict: may this principal do this?

    explicit deny, anywhere ──────────────────────────────────────────────► explicitDeny
    every level of the organization allows? no ───────────────────────────► implicitDeny
    within one account                       across accounts
      resource policy names the user           identity, boundary and session policy allow,
      or session ─────────► allowed            AND the resource policy does ──► allowed
      identity or resource policy allows,
      boundary and session policy allow ──► allowed
    otherwise ────────────────────────────────────────────────────────────► implicitDeny

As https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html has it. Service control and
resource control policies, boundaries and session policies only limit; nothing is granted by them.
"""

from service.iam import facts
from service.iam.decision import Decision, Matched, NearMiss, Outcome
from service.iam.facts import NO_GRANT, Grant
from service.iam.plan import Plan, plan
from service.iam.policy import Kind
from service.iam.principals import Principal
from service.iam.request import Policies, Request

__all__ = ["Decision", "Matched", "NearMiss", "Outcome", "Policies", "Principal", "Request", "decide"]

_OF_RESOURCE = (Kind.RESOURCE, Kind.TRUST)
_LIMITS = (Kind.BOUNDARY, Kind.SESSION)
_ORGANIZATION = (Kind.SERVICE_CONTROL, Kind.RESOURCE_CONTROL)


def decide(request: Request, policies: Policies) -> Decision:
    bounded = policies.boundary is not None
    chosen = plan(request, policies)
    for kind, statement in chosen.denying:
        if facts.applies(statement, request, bounded):
            return Decision(Outcome.EXPLICIT_DENY, kind, request, policies)
    granting, refused = _permission(request, policies, chosen, bounded)
    if refused is not None:
        return Decision(Outcome.IMPLICIT_DENY, refused, request, policies)
    return Decision(Outcome.ALLOWED, granting, request, policies)


def _permission(request: Request, policies: Policies, chosen: Plan, bounded: bool) -> tuple[Kind | None, Kind | None]:
    """The layer that grants, and the one whose permission is missing; where nothing denies."""
    grant = NO_GRANT
    identity: Kind | None = Kind.IDENTITY if request.principal.type == "root" else None
    limited: Kind | None = None
    for kind, statements in chosen.allowing:
        if kind in _OF_RESOURCE:
            grant = facts.grant(statements, request, bounded)
        elif facts.allows(statements, request, bounded):
            identity = kind if kind is Kind.IDENTITY else identity
        elif kind in _ORGANIZATION:
            return None, kind
        elif kind in _LIMITS:
            limited = limited or kind
    of_resource = policies.resource.kind if policies.resource is not None else Kind.RESOURCE
    if not request.principal.has_identity:
        return of_resource, None if grant.direct else of_resource
    if not request.within_one_account:
        no_grant = None if grant.any else of_resource
        missing = Kind.IDENTITY if identity is None else limited or no_grant
        return of_resource, missing
    authoritative = policies.resource_is_authoritative or of_resource is Kind.TRUST
    return _within_one_account(grant, identity, limited, of_resource, authoritative)


def _within_one_account(
    grant: Grant, identity: Kind | None, limited: Kind | None, of_resource: Kind, authoritative: bool
) -> tuple[Kind | None, Kind | None]:
    if grant.unlimited:
        return of_resource, None
    if not grant.direct:
        if authoritative and not grant.delegated:
            return None, of_resource
        if identity is None:
            return None, Kind.IDENTITY
    return identity or of_resource, limited
