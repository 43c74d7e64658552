"""Policy documents: text in, a compiled `Policy` out, or `MalformedPolicy` naming the statement, element and rule.

What AWS refuses when a policy is stored is refused here, each kind by its own rules (`RULES`): a policy of an identity
has no Principal, a trust policy no Resource, a resource control policy speaks to everybody. Names of elements and
operators are written exactly; an entry may stand alone where a list of one would do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from service.iam import arns, json_text, limits
from service.iam.conditions import Condition, OperatorName, compile_condition
from service.iam.policy import Actions, Kind, MalformedPolicy, Policy, Resources, Statement
from service.iam.principals import PrincipalElement
from service.iam.reading_principals import read_principals
from service.iam.variables import template

DEFAULT_VERSION = "2008-10-17"
VERSIONS = (DEFAULT_VERSION, "2012-10-17")


@dataclass(frozen=True, slots=True)
class Rules:
    """What sets a kind of policy apart from the others."""

    principal: bool = False  # whether a statement must name a principal; else it must not
    resource: bool = True  # whether a statement must name resources; else it must not
    any_sid: bool = False  # whether a Sid may hold more than letters and digits


_OF_IDENTITY = Rules()
RULES = {
    Kind.IDENTITY: _OF_IDENTITY,
    Kind.BOUNDARY: _OF_IDENTITY,
    Kind.SESSION: _OF_IDENTITY,
    Kind.SERVICE_CONTROL: Rules(any_sid=True),
    Kind.RESOURCE_CONTROL: Rules(principal=True, any_sid=True),
    Kind.RESOURCE: Rules(principal=True, any_sid=True),
    Kind.TRUST: Rules(principal=True, resource=False),
}

_DOCUMENT_ELEMENTS = ("Version", "Id", "Statement")
_STATEMENT_ELEMENTS = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip
_SID = re.compile(r"[A-Za-z0-9]*")
_ACTION = re.compile(r"([A-Za-z0-9_.*?-]+):([A-Za-z0-9_.*?-]+)")
_SERVICE = re.compile(r"[A-Za-z0-9_.-]+")
_KEY = re.compile(r"[^:\s]+:.+", re.DOTALL)  # aws:TagKeys, and of web identities token.example.org/id:sub


def parse(document: str, kind: Kind, name: str = "", *, account: str = "", limit: int | None = None) -> Policy:
    """The policy that `document` is. `limit` is the most characters it may have, white space not counted.

    Raises MalformedPolicy. What was read once is remembered; refusals and very large policies are not.
    """
    if not isinstance(document, str):
        raise MalformedPolicy("", "The policy is no text.")
    if limit is not None and limits.size(document) > limit:
        raise MalformedPolicy("", f"The policy has {limits.size(document)} characters; {limit} are allowed.")
    read = _remembered if len(document) <= limits.ROLE_INLINE else _parsed  # so that what is kept stays small
    return read(document, kind, name, account)


@lru_cache(maxsize=512)
def _remembered(document: str, kind: Kind, name: str, account: str) -> Policy:
    return _parsed(document, kind, name, account)


def _parsed(document: str, kind: Kind, name: str, account: str) -> Policy:
    try:
        content = json_text.read(document)
    except ValueError as error:
        raise MalformedPolicy("", str(error)) from None
    if not isinstance(content, dict):
        raise MalformedPolicy("", "The policy must be a JSON object.")
    _only(content, _DOCUMENT_ELEMENTS, "", "")
    version = content.get("Version", DEFAULT_VERSION)
    if not _is_text(version) or version not in VERSIONS:
        raise MalformedPolicy("Version", f"The version must be one of {', '.join(VERSIONS)}.")
    if "Id" in content and not _is_text(content["Id"]):
        raise MalformedPolicy("Id", "The Id must be a string.")
    if "Statement" not in content:
        raise MalformedPolicy("Statement", "The policy must contain statements.")
    written = content["Statement"]
    written = [written] if isinstance(written, dict) else written
    if not isinstance(written, list) or not written:
        raise MalformedPolicy("Statement", "The policy must contain at least one statement, each a JSON object.")
    statements = tuple(_Reader(kind, version, index).statement(one) for index, one in enumerate(written))
    _different_sids(statements)
    return Policy(name, kind, version, statements, account, content.get("Id", ""))


def _different_sids(statements: tuple[Statement, ...]) -> None:
    seen: set[str] = set()
    for statement in statements:
        if statement.sid and statement.sid in seen:
            path = f"Statement[{statement.index}].Sid"
            raise MalformedPolicy(path, "Statement IDs (Sid) in one policy must be different.", statement.sid)
        seen.add(statement.sid)


def _only(content: Mapping[str, Any], elements: tuple[str, ...], path: str, sid: str) -> None:
    for element in content:
        if element not in elements:
            where = f"{path}.{element}" if path else element
            raise MalformedPolicy(where, f'"{element}" is no element of a policy here.', sid)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, json_text.Number)


class _Reader:
    """Reads one statement; knows where it stands, for the messages."""

    def __init__(self, kind: Kind, version: str, index: int):
        self._kind, self._rules, self._version, self._index = kind, RULES[kind], version, index
        self._sid = ""

    def statement(self, written: Any) -> Statement:
        if not isinstance(written, dict):
            raise self._malformed("", "A statement must be a JSON object.")
        self._read_sid(written)
        _only(written, _STATEMENT_ELEMENTS, f"Statement[{self._index}]", self._sid)
        effect = written.get("Effect")
        if not _is_text(effect) or effect not in ("Allow", "Deny"):
            raise self._malformed("Effect", 'The Effect must be "Allow" or "Deny".')
        principals = self._principals(written)
        actions = self._actions(written)
        resources = self._resources(written)
        conditions = self._conditions(written.get("Condition", {}))
        if self._kind is Kind.RESOURCE_CONTROL:
            self._check_resource_control(written, effect == "Allow", conditions)
        return Statement(
            self._sid, self._index, effect == "Allow", actions, resources, principals, conditions
        )  # fmt: skip

    def _malformed(self, element: str, reason: str) -> MalformedPolicy:
        path = f"Statement[{self._index}]"
        return MalformedPolicy(f"{path}.{element}" if element else path, reason, self._sid)

    def _read_sid(self, written: dict[str, Any]) -> None:
        sid = written.get("Sid", "")
        if not _is_text(sid):
            raise self._malformed("Sid", "A statement ID (Sid) must be a string.")
        if not self._rules.any_sid and not _SID.fullmatch(sid):
            raise self._malformed("Sid", "A statement ID (Sid) may hold only the characters A-Z, a-z and 0-9.")
        self._sid = sid

    def _one_of(self, written: dict[str, Any], element: str) -> tuple[str, bool] | None:
        """Which of `X` and `NotX` a statement has, and whether it is the second."""
        negated = f"Not{element}"
        if element in written and negated in written:
            raise self._malformed(negated, f"A statement has either {element} or {negated}, not both.")
        if negated in written:
            return negated, True
        return (element, False) if element in written else None

    def _texts(self, element: str, value: Any) -> list[str]:
        """A string, or a list of strings with at least one."""
        texts = [value] if _is_text(value) else value
        if not isinstance(texts, list) or not all(_is_text(text) for text in texts):
            raise self._malformed(element, f"{element} must be a string or a list of strings.")
        if not texts:
            raise self._malformed(element, f"{element} must not be empty.")
        return texts

    def _actions(self, written: dict[str, Any]) -> Actions:
        found = self._one_of(written, "Action")
        if found is None:
            raise self._malformed("Action", "The statement must contain actions: Action or NotAction.")
        element, unless = found
        texts = self._texts(element, written[element])
        for text in texts:
            self._check_action(element, text)
        return Actions(texts, unless=unless)

    def _check_action(self, element: str, text: str) -> None:
        if self._kind is Kind.TRUST and not text.lower().startswith("sts:"):
            raise self._malformed(element, f'"{text}": a role trust policy speaks only of actions of STS.')
        if text == "*" or text == "*:*":
            return
        form = _ACTION.fullmatch(text)
        if not form:
            raise self._malformed(element, f'"{text}" must have the form service:Action, such as s3:GetObject.')
        if not _SERVICE.fullmatch(form[1]):
            raise self._malformed(element, f'"{text}" must name its service in full, without wildcards.')

    def _resources(self, written: dict[str, Any]) -> Resources | None:
        found = self._one_of(written, "Resource")
        if not self._rules.resource:
            if found:
                raise self._malformed(found[0], f"A {self._kind.value} must not have {found[0]}: the role is meant.")
            return None
        if found is None:
            raise self._malformed("Resource", "The statement must contain resources: Resource or NotResource.")
        element, unless = found
        texts = self._texts(element, written[element])
        for text in texts:
            broken = arns.malformed_because(text)
            if broken:
                raise self._malformed(element, broken)
        return Resources(texts, [template(text, self._version, wildcards=True) for text in texts], unless=unless)

    def _principals(self, written: dict[str, Any]) -> PrincipalElement | None:
        found = self._one_of(written, "Principal")
        if not self._rules.principal:
            if found:
                raise self._malformed(found[0], f"A {self._kind.value} must not have {found[0]}.")
            return None
        if found is None:
            raise self._malformed("Principal", "The statement must name whom it is about: Principal or NotPrincipal.")
        element, unless = found
        if unless and self._kind is Kind.TRUST:
            raise self._malformed(element, f"A {self._kind.value} must not have {element}.")
        try:
            return PrincipalElement(read_principals(written[element]), unless)
        except ValueError as error:
            raise self._malformed(element, str(error)) from None

    def _conditions(self, written: Any) -> tuple[Condition, ...]:
        if not isinstance(written, dict):
            raise self._malformed("Condition", "The Condition must be a JSON object of operators.")
        conditions = []
        for operator, keys in written.items():
            path = f"Condition.{operator}"
            try:
                OperatorName.read(operator)
            except ValueError as error:
                raise self._malformed(path, str(error)) from None
            if not isinstance(keys, dict):
                raise self._malformed(path, "A condition operator must hold a JSON object of condition keys.")
            for key, wanted in keys.items():
                if not _KEY.fullmatch(key):
                    raise self._malformed(path, f'"{key}" is no condition key: it must have the form service:Key.')
                texts = self._condition_values(f"{path}.{key}", wanted)
                conditions.append(compile_condition(operator, key, texts, self._version))
        return tuple(conditions)

    def _condition_values(self, path: str, wanted: Any) -> list[str]:
        values = wanted if isinstance(wanted, list) else [wanted]
        if not all(isinstance(value, str | bool) for value in values):
            raise self._malformed(path, "The values of a condition key must be strings, numbers, booleans or a list.")
        return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]

    def _check_resource_control(self, written: dict[str, Any], allows: bool, conditions: tuple[Condition, ...]) -> None:
        for element in ("NotPrincipal", "NotAction"):
            if element in written:
                raise self._malformed(element, f"A resource control policy must not have {element}.")
        if written["Principal"] not in ("*", {"AWS": "*"}):
            raise self._malformed("Principal", 'The Principal of a resource control policy must be "*".')
        everything = written.get("Action") in ("*", ["*"]) and written.get("Resource") in ("*", ["*"])
        if allows and (conditions or not everything):
            raise self._malformed("Effect", "A resource control policy may only Deny, but for Allow of everything.")
