"""What holds for all policies: denies win, limits never grant, order never matters, and no text breaks the parser."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.iam import Context, Kind, MalformedPolicy, Outcome, Policies, Policy, Principal, Request, decide, parse
from service.iam.lint import lint

HOME, AWAY = "111122223333", "444455556666"
USER = Principal(f"arn:aws:iam::{HOME}:user/ada", HOME, "user", "AIDAADA00000000")
ROLE_ARN = f"arn:aws:iam::{HOME}:role/r"
ROLE = Principal(f"arn:aws:sts::{HOME}:assumed-role/r/s", HOME, "role", "AROAROLE0000000:s", role_arn=ROLE_ARN)
ROOT = Principal(f"arn:aws:iam::{HOME}:root", HOME, "root")
ACTIONS = ("s3:GetObject", "s3:PutObject", "iam:PassRole")
RESOURCES = ("arn:aws:s3:::music/a", "arn:aws:s3:::music/ada/x", "*")

conditions = st.sampled_from(
    [
        {},
        {"StringEquals": {"aws:username": "ada"}},
        {"StringNotEqualsIfExists": {"aws:RequestTag/team": ["red", "${aws:PrincipalTag/team}"]}},
        {"ForAllValues:StringLike": {"aws:TagKeys": "t*"}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}, "Null": {"aws:username": "false"}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{HOME}:*"}},
    ]
)
principals = st.sampled_from(["*", {"AWS": HOME}, {"AWS": USER.arn}, {"AWS": ROLE_ARN}, {"AWS": [ROLE.arn, AWAY]}])


@st.composite
def statements(draw: Any, kind: Kind) -> dict[str, Any]:
    def one_of(element: str, values: Sequence[str]) -> dict[str, Any]:
        name = draw(st.sampled_from([element, element, f"Not{element}"]))
        return {name: draw(st.lists(st.sampled_from(values), min_size=1, max_size=2))}

    patterns = ("*", "arn:aws:s3:::music/*", "arn:aws:s3:::music/${aws:username}/*", "arn:aws:s3:::other")
    written = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])), "Condition": draw(conditions)}
    written |= one_of("Action", ("*", "s3:*", "s3:Get*", "iam:PassRole")) | one_of("Resource", patterns)
    if kind is Kind.RESOURCE:
        element = draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))
        written[element] = draw(principals)
    return written


def policies_of(kind: Kind) -> st.SearchStrategy[Policy]:
    return st.lists(statements(kind), min_size=1, max_size=3).map(lambda written: policy(kind, written))


def policy(kind: Kind, written: list[dict[str, Any]]) -> Policy:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": written}), kind)


def levels(kind: Kind) -> st.SearchStrategy[tuple[tuple[Policy, ...], ...]]:
    return st.lists(st.lists(policies_of(kind), max_size=2).map(tuple), max_size=2).map(tuple)


everything = st.builds(
    Policies,
    identity=st.lists(policies_of(Kind.IDENTITY), max_size=3).map(tuple),
    boundary=st.none() | policies_of(Kind.BOUNDARY),
    session=st.none() | st.lists(policies_of(Kind.SESSION), max_size=2).map(tuple),
    service_control=levels(Kind.SERVICE_CONTROL),
    resource=st.none() | policies_of(Kind.RESOURCE),
    resource_is_authoritative=st.booleans(),
)
requests = st.builds(
    Request,
    principal=st.sampled_from([USER, ROLE, ROOT, replace(USER, is_management_account=True)]),
    action=st.sampled_from(ACTIONS),
    resource=st.sampled_from(RESOURCES),
    context=st.fixed_dictionaries(
        {},
        optional={
            "aws:username": st.sampled_from(["ada", "*"]),
            "aws:PrincipalTag/team": st.sampled_from(["red", "blue"]),
            "aws:RequestTag/team": st.sampled_from(["red", "blue"]),
            "aws:TagKeys": st.sampled_from([[], ["team"], ["team", "x"]]),
            "aws:SourceIp": st.sampled_from(["10.1.2.3", "192.0.2.1"]),
            "aws:PrincipalArn": st.just(USER.arn),
        },
    ).map(Context),
    resource_account=st.sampled_from([HOME, HOME, AWAY]),
)
MANY = settings(max_examples=80, deadline=None)


@MANY
@given(requests, everything, st.sampled_from(["identity", "boundary", "session", "service_control", "resource"]))
def test_an_explicit_deny_overrides_everything(request: Request, policies: Policies, layer: str) -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    added = {
        "identity": {"identity": (*policies.identity, policy(Kind.IDENTITY, [deny]))},
        "boundary": {"boundary": policy(Kind.BOUNDARY, [deny])},
        "session": {"session": (*(policies.session or ()), policy(Kind.SESSION, [deny]))},
        "service_control": {"service_control": (*policies.service_control, (policy(Kind.SERVICE_CONTROL, [deny]),))},
        "resource": {"resource": policy(Kind.RESOURCE, [{**deny, "Principal": "*"}])},
    }[layer]
    exempt = (request.principal.type == "root" and layer in ("identity", "boundary")) or (
        request.principal.is_management_account and layer == "service_control"
    )
    if not exempt:
        assert decide(request, replace(policies, **added)).outcome is Outcome.EXPLICIT_DENY


@MANY
@given(requests, everything, policies_of(Kind.BOUNDARY), policies_of(Kind.SESSION), policies_of(Kind.SERVICE_CONTROL))
def test_boundaries_sessions_and_organizations_never_turn_a_denial_into_permission(
    request: Request, policies: Policies, boundary: Policy, session: Policy, control: Policy
) -> None:
    if decide(request, policies).allowed:
        return
    assert not decide(request, replace(policies, service_control=(*policies.service_control, (control,)))).allowed
    if policies.boundary is None:
        assert not decide(request, replace(policies, boundary=boundary)).allowed
    if policies.session is None:
        assert not decide(request, replace(policies, session=(session,))).allowed
        assert not decide(request, replace(policies, session=())).allowed


def reordered(one: Policy) -> Policy:
    return replace(one, statements=tuple(reversed(one.statements)))


@MANY
@given(requests, everything)
def test_the_order_of_statements_policies_and_levels_never_matters(request: Request, policies: Policies) -> None:
    turned = replace(
        policies,
        identity=tuple(reordered(one) for one in reversed(policies.identity)),
        boundary=policies.boundary and reordered(policies.boundary),
        session=policies.session and tuple(reordered(one) for one in reversed(policies.session)),
        service_control=tuple(
            tuple(reordered(one) for one in reversed(level)) for level in reversed(policies.service_control)
        ),
        resource=policies.resource and reordered(policies.resource),
    )
    first, second = decide(request, policies), decide(request, turned)
    assert (first.outcome, first.layer) == (second.outcome, second.layer)
    assert set(first.missing_keys) == set(second.missing_keys)


@MANY
@given(requests, everything, policies_of(Kind.IDENTITY))
def test_more_identity_policies_without_a_deny_never_take_away(
    request: Request, policies: Policies, more: Policy
) -> None:
    if any(not statement.allows for statement in more.statements) or not decide(request, policies).allowed:
        return
    assert decide(request, replace(policies, identity=(*policies.identity, more))).allowed


@MANY
@given(requests, everything)
def test_every_decision_explains_itself(request: Request, policies: Policies) -> None:
    decision = decide(request, policies)
    assert request.action in decision.sentence(request)
    if decision.outcome is Outcome.EXPLICIT_DENY:
        assert decision.statements
        assert not any(matched.allows for matched in decision.statements)
    if decision.allowed and request.principal.type != "root":
        assert any(matched.kind is decision.layer for matched in decision.statements)
    assert isinstance(decision.near_misses, tuple)
    if decision.allowed:
        assert decision.organization_allows in (True, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(
    ["Allow", "Deny", "*", "s3:*", "arn:aws:s3:::x", "arn:aws:s3", "${aws:username}", "${", "", "2012-10-17", "true"]
)
nearly = st.recursive(
    words | json_values,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "Version", "Id", "Statement", "Sid", "Effect", "Action", "NotAction", "Resource", "Principal", "AWS",
                "Condition", "StringEquals", "ForAllValues:StringLike", "Null", "aws:username", "NumericEquals",
            ]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


def refused_or_read(text: str) -> None:
    for kind in Kind:
        with suppress(MalformedPolicy):
            parse(text, kind)
        lint(text, kind)


@MANY
@given(st.text() | json_values.map(json.dumps) | nearly.map(json.dumps))
def test_the_parser_raises_nothing_but_malformed_policy(text: str) -> None:
    refused_or_read(text)


@MANY
@given(nearly, st.sampled_from(["Effect", "Action", "Resource", "Condition", "Sid", "Principal"]))
def test_a_good_statement_with_one_element_changed_is_read_or_refused(value: Any, element: str) -> None:
    good = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    refused_or_read(json.dumps({"Version": "2012-10-17", "Statement": [good | {element: value}]}))


@MANY
@given(st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape")))
def test_bytes_that_are_no_text_are_refused(text: str) -> None:
    refused_or_read(text)
