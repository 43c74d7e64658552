"""The engine against tests/iam_cases: a case is a request, its policies and the decision the documentation gives it.

How a case is written is told in tests/iam_cases/README.md.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from service.iam import Context, Decision, Kind, MalformedPolicy, Policies, Policy, Principal, Request, decide, parse

FOLDER = Path(__file__).parents[2] / "iam_cases"
CALLERS = {
    name: Principal(**members)
    for name, members in json.loads((FOLDER / "callers.json").read_text(encoding="utf-8")).items()
}
FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
    if path.stem != "callers"
}
CASES = [{**file.get("defaults", {}), **case} for file in FILES.values() for case in file.get("cases", [])]
MALFORMED = [case for file in FILES.values() for case in file.get("malformed", [])]

OWNER = "111122223333"  # the account a resource belongs to unless the case says otherwise
ALLOW_ALL = {"Sid": "AllowEverything", "Effect": "Allow", "Action": "*", "Resource": "*"}

REQUEST = {"caller", "action", "resource", "resource_account", "context"}
POLICIES = {
    "condition",
    "deny_condition",
    "identity",
    "boundary",
    "session",
    "service_control",
    "resource_control",
    "resource_policy",
    "trust_policy",
    "key_policy",
}
EXPECTATIONS = {"expect", "layer", "matched", "missing", "boundary_allows", "organization_allows"}
TEXTS = {"name", "documentation", "source"}


def named(case: dict[str, Any]) -> str:
    return case["name"]


def policy(written: Any, kind: Kind, name: str) -> Policy:
    """A policy as a case writes it: a whole document, or the list of statements of a 2012-10-17 one."""
    document = {"Version": "2012-10-17", "Statement": written} if isinstance(written, list) else written
    return parse(json.dumps(document), kind, name, account=OWNER)


def levels(written: list[Any], kind: Kind) -> tuple[tuple[Policy, ...], ...]:
    return tuple(tuple(policy(each, kind, f"level {depth}") for each in level) for depth, level in enumerate(written))


def identity(case: dict[str, Any]) -> tuple[Policy, ...]:
    statements: dict[str, Any] = dict(case.get("identity", {}))
    if "condition" in case:
        statements["condition"] = [{**ALLOW_ALL, "Sid": "AllowConditional", "Condition": case["condition"]}]
    if "deny_condition" in case:
        deny = {**ALLOW_ALL, "Sid": "DenyConditional", "Effect": "Deny", "Condition": case["deny_condition"]}
        statements["deny_condition"] = [ALLOW_ALL, deny]
    return tuple(policy(written, Kind.IDENTITY, name) for name, written in statements.items())


def resource(case: dict[str, Any]) -> Policy | None:
    for member, kind in (
        ("resource_policy", Kind.RESOURCE),
        ("key_policy", Kind.RESOURCE),
        ("trust_policy", Kind.TRUST),
    ):
        if member in case:
            return policy(case[member], kind, member)
    return None


def policies(case: dict[str, Any]) -> Policies:
    session = case.get("session")
    return Policies(
        identity=identity(case),
        boundary=policy(case["boundary"], Kind.BOUNDARY, "boundary") if "boundary" in case else None,
        session=None if session is None else tuple(policy(each, Kind.SESSION, "session") for each in session),
        service_control=levels(case.get("service_control", []), Kind.SERVICE_CONTROL),
        resource_control=levels(case.get("resource_control", []), Kind.RESOURCE_CONTROL),
        resource=resource(case),
        resource_is_authoritative="key_policy" in case or "trust_policy" in case,
    )


def decision(case: dict[str, Any]) -> Decision:
    request = Request(
        principal=CALLERS[case["caller"]],
        action=case["action"],
        resource=case["resource"],
        context=Context(case.get("context", {})),
        resource_account=case.get("resource_account", OWNER),
    )
    return decide(request, policies(case))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_decision_is_the_documented_one(case: dict[str, Any]) -> None:
    found = decision(case)
    assert found.outcome.value == case["expect"], case["documentation"]
    assert found.allowed == (case["expect"] == "allowed")
    if "layer" in case:
        assert found.layer is Kind[case["layer"].upper()]
    if "matched" in case:
        assert [statement.sid for statement in found.statements] == case["matched"]
    for key in case.get("missing", []):
        assert key.lower() in {each.lower() for each in found.missing_keys}
    if "boundary_allows" in case:
        assert found.boundary_allows is case["boundary_allows"]
    if "organization_allows" in case:
        assert found.organization_allows is case["organization_allows"]


@pytest.mark.parametrize("case", MALFORMED, ids=named)
def test_a_malformed_document_is_refused_with_the_place_and_the_element(case: dict[str, Any]) -> None:
    text = case["text"] if "text" in case else json.dumps(case["document"])
    with pytest.raises(MalformedPolicy) as refused:
        parse(text, Kind[case["kind"].upper()], "malformed")
    assert case["names"].lower() in str(refused.value).lower()
    assert refused.value.path.startswith(case.get("path", ""))


def test_there_are_cases_enough_and_each_quotes_the_documentation() -> None:
    assert len(CASES) >= 500
    assert len(MALFORMED) >= 70
    for case in (*CASES, *MALFORMED):
        assert len(case["documentation"]) > 20, case["name"]
        assert case["source"], case["name"]


def test_every_case_has_a_name_of_its_own() -> None:
    counted = Counter(case["name"] for case in (*CASES, *MALFORMED))
    assert [name for name, count in counted.items() if count > 1] == []


def test_every_member_of_a_case_is_known() -> None:
    """A misspelt member would be a check that nobody makes."""
    for case in CASES:
        assert set(case) <= TEXTS | REQUEST | POLICIES | EXPECTATIONS, case["name"]
        assert case["expect"] in ("allowed", "explicitDeny", "implicitDeny"), case["name"]
        assert POLICIES & set(case), case["name"]
    for case in MALFORMED:
        assert set(case) <= TEXTS | {"kind", "document", "text", "names", "path"}, case["name"]
        assert ("text" in case) is not ("document" in case), case["name"]
