"""A verdict with its reasons. The reasons are worked out when somebody asks for them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from service.errors import denial_sentence
from service.iam import facts
from service.iam.context import Values
from service.iam.policy import Kind, Policy, Statement
from service.iam.request import Layer, Policies, Request, layers

_ORGANIZATION = (Kind.SERVICE_CONTROL, Kind.RESOURCE_CONTROL)
_GRANTING = (Kind.IDENTITY, Kind.RESOURCE, Kind.TRUST)


class Outcome(Enum):
    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


@dataclass(frozen=True, slots=True)
class Matched:
    """A statement, by the name of its policy and its own Sid or place."""

    policy: str
    kind: Kind
    sid: str
    index: int
    allows: bool

    @property
    def label(self) -> str:
        return self.sid or f"Statement[{self.index}]"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A statement about this action that would apply but for one element.

    For the element Condition `operator` and `key` say which one failed, `wanted` what the policy asks and `found` what
    the request has (None: nothing). For Resource and Principal `wanted` is what is written and `found` what came.
    """

    statement: Matched
    element: str
    operator: str
    key: str
    wanted: tuple[str, ...]
    found: Values | None


@dataclass(frozen=True)
class Decision:
    """`layer` is the kind of policy that decided: for an implicit deny the one whose permission is missing."""

    outcome: Outcome
    layer: Kind | None
    _request: Request = field(repr=False, compare=False)
    _policies: Policies = field(repr=False, compare=False)

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED

    @cached_property
    def statements(self) -> tuple[Matched, ...]:
        """The statements that decided: those that deny, or those that allow in the layer that granted."""
        if self.outcome is Outcome.IMPLICIT_DENY:
            return ()
        kinds = _GRANTING if self.allowed else tuple(Kind)
        return tuple(
            _matched(policy, statement)
            for layer in self._layers
            if layer.kind in kinds
            for policy, statement in self._about(layer)
            if statement.allows is self.allowed and self._applies(statement)
        )

    @cached_property
    def near_misses(self) -> tuple[NearMiss, ...]:
        return tuple(
            miss
            for layer in self._layers
            for policy, statement in self._about(layer)
            for miss in _near_misses(policy, statement, self._request, self._bounded)
        )

    @cached_property
    def missing_keys(self) -> tuple[str, ...]:
        """Condition keys and variables that statements on this action ask for and the request has not, as written."""
        missing: dict[str, str] = {}
        about = (statement for layer in self._layers for _, statement in self._about(layer))
        for statement in about:
            for key in _asked(statement, self._request):
                if self._request.context.get(key) is None:
                    missing.setdefault(key.lower(), key)
        return tuple(missing.values())

    @cached_property
    def boundary_allows(self) -> bool | None:
        """What the permissions boundary alone says; None without one."""
        return self._say((Kind.BOUNDARY,))

    @cached_property
    def organization_allows(self) -> bool | None:
        """What the organization's policies alone say; None where none apply."""
        return self._say(_ORGANIZATION)

    def sentence(self, request: Request) -> str:
        """The answer in AWS's words; for a denial the message of AccessDeniedException."""
        caller = request.principal.arn or "anonymous"
        if self.allowed:
            return f"User: {caller} is authorized to perform: {request.action} on resource: {request.resource}"
        kind = self.layer or Kind.IDENTITY
        if self.outcome is Outcome.IMPLICIT_DENY:
            return denial_sentence(caller, request.action, request.resource, f"no {kind.value} allows")
        article = "the" if kind is Kind.TRUST else "an" if kind is Kind.IDENTITY else "a"
        return (
            f"User: {caller} is not authorized to perform: {request.action} on resource: {request.resource} "
            f"with an explicit deny in {article} {kind.value}"
        )

    @property
    def _bounded(self) -> bool:
        return self._policies.boundary is not None

    @cached_property
    def _layers(self) -> list[Layer]:
        return layers(self._request, self._policies)

    def _about(self, layer: Layer) -> Iterator[tuple[Policy, Statement]]:
        """The statements of a layer about this action, those that deny before those that allow."""
        for policy in layer.policies:
            for chosen in policy.about(self._request.action):
                yield from ((policy, statement) for statement in chosen)

    def _applies(self, statement: Statement) -> bool:
        return facts.applies(statement, self._request, self._bounded)

    def _say(self, kinds: tuple[Kind, ...]) -> bool | None:
        asked = [layer for layer in self._layers if layer.kind in kinds]
        if not asked:
            return None
        for layer in asked:
            applying = [statement.allows for _, statement in self._about(layer) if self._applies(statement)]
            if not applying or not all(applying):
                return False
        return True


def _matched(policy: Policy, statement: Statement) -> Matched:
    return Matched(policy.name, policy.kind, statement.sid, statement.index, statement.allows)


def _asked(statement: Statement, request: Request) -> Iterator[str]:
    """The keys whose values a statement needs to say whether it applies to this resource."""
    if statement.resources is not None:
        yield from statement.resources.variable_keys
        if not statement.resources.cover(request.resource, request.context):
            return
    for condition in statement.conditions:
        yield condition.key
        yield from condition.variable_keys


def _near_misses(policy: Policy, statement: Statement, request: Request, bounded: bool) -> Iterator[NearMiss]:
    matched = _matched(policy, statement)
    conditions = [condition for condition in statement.conditions if not condition.holds(request.context)]
    named = bool(facts.names(statement, request, bounded))
    covered = statement.resources is None or statement.resources.cover(request.resource, request.context)
    if named and covered:
        for failed in conditions:
            found = request.context.get(failed.key)
            yield NearMiss(matched, "Condition", failed.operator, failed.key, failed.wanted, found)
    elif named and not conditions and statement.resources is not None:
        yield NearMiss(matched, "Resource", "", "", statement.resources.written, (request.resource,))
    elif covered and not conditions and statement.principals is not None:
        wanted = tuple(name for names in statement.principals.entries.values() for name in names)
        yield NearMiss(matched, "Principal", "", "", wanted, (request.principal.arn,))
