"""A policy, read and compiled: what the evaluation works with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from service.iam.arns import resource_pattern
from service.iam.conditions import Condition
from service.iam.context import Context
from service.iam.principals import PrincipalElement
from service.iam.variables import LateMatch, Template
from service.iam.wildcards import Match, compiled, glob


class Kind(Enum):
    """What a policy is attached to, and so which rules it is read and weighed by; the value is AWS's word for it."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"


class MalformedPolicy(ValueError):
    """A document that is no policy of its kind.

    `path` leads to the element (`Statement[1].Condition.StringEquals`; empty for the document as a whole), `reason` is
    the broken rule in a sentence, `sid` the statement's own name where it has one.
    """

    def __init__(self, path: str, reason: str, sid: str = ""):
        named = f' (Sid "{sid}")' if sid else ""
        super().__init__(f"{path}{named}: {reason}" if path else reason)
        self.path = path
        self.reason = reason
        self.sid = sid


class Actions:
    """The Action or NotAction element. Names of actions ignore case."""

    __slots__ = ("_tests", "everything", "unless", "written")

    def __init__(self, written: Sequence[str], *, unless: bool):
        self.written = tuple(written)
        self.unless = unless
        self._tests = [glob(pattern.lower()) for pattern in written]
        self.everything = not unless and any(pattern in ("*", "*:*") for pattern in written)

    def cover(self, lowered: str) -> bool:
        return any(test(lowered) for test in self._tests) is not self.unless


class Resources:
    """The Resource or NotResource element. A pattern whose variable has no value matches nothing."""

    __slots__ = ("_late", "_ready", "everything", "unless", "variable_keys", "written")

    def __init__(self, written: Sequence[str], templates: Sequence[Template], *, unless: bool):
        self.written = tuple(written)
        self.unless = unless
        fixed = [each.fixed for each in templates]
        self._ready: list[Match] = [compiled(resource_pattern(pattern)) for pattern in fixed if pattern is not None]
        late = [each for each in templates if each.fixed is None]
        self._late = [LateMatch(Template(resource_pattern(each.parts)), compiled) for each in late]
        self.variable_keys = tuple(v.key for each in late for v in each.variables if v.default is None)
        self.everything = not unless and "*" in written

    def cover(self, resource: str, context: Context) -> bool:
        if self.everything:
            return True
        return self._named(resource, context) is not self.unless

    def _named(self, resource: str, context: Context) -> bool:
        for test in self._ready:
            if test(resource):
                return True
        for late in self._late:
            match = late.for_request(context)
            if match is not None and match(resource):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `resources` is None in a trust policy, `principals` in a policy of an identity."""

    sid: str
    index: int
    allows: bool
    actions: Actions
    resources: Resources | None
    principals: PrincipalElement | None
    conditions: tuple[Condition, ...]

    def covers(self, resource: str, context: Context) -> bool:
        """Whether resource and conditions hold; action and principal are asked elsewhere."""
        if self.resources is not None and not self.resources.cover(resource, context):
            return False
        for condition in self.conditions:  # noqa: SIM110 - the hottest loop, and all() takes twice the time
            if not condition.holds(context):
                return False
        return True


Chosen = tuple[tuple[Statement, ...], tuple[Statement, ...]]

_REMEMBERED_ACTIONS = 1024


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document of one kind. `account` is whose it is, where the caller said so; `identifier` its Id."""

    name: str
    kind: Kind
    version: str
    statements: tuple[Statement, ...]
    account: str = ""
    identifier: str = ""
    _by_action: dict[str, Chosen] = field(default_factory=dict, init=False, repr=False, compare=False)

    def about(self, action: str) -> Chosen:
        """The statements about this action: those that deny, and those that allow.

        Which they are depends on the document alone, so that it is worked out once for each action.
        """
        chosen = self._by_action.get(action)
        if chosen is None:
            lowered = action.lower()
            about = [statement for statement in self.statements if statement.actions.cover(lowered)]
            chosen = tuple(s for s in about if not s.allows), tuple(s for s in about if s.allows)
            if len(self._by_action) >= _REMEMBERED_ACTIONS:
                self._by_action.clear()
            self._by_action[action] = chosen
        return chosen
