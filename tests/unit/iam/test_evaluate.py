"""The verdict by layers, and the reasons it gives."""

import json
from typing import Any

import pytest

from service.iam import Context, Kind, MalformedPolicy, Outcome, Policies, Policy, Principal, Request, decide, parse

HOME, AWAY = "111122223333", "444455556666"
ADA = Principal(f"arn:aws:iam::{HOME}:user/ada", HOME, "user", "AIDAADA00000000")
ROLE = f"arn:aws:iam::{HOME}:role/team/player"
SESSION = Principal(f"arn:aws:sts::{HOME}:assumed-role/player/ada", HOME, "role", "AROAPLAYER00000:ada", role_arn=ROLE)
FEDERATED = Principal(
    f"arn:aws:sts::{HOME}:federated-user/eve", HOME, "federated-user", f"{HOME}:eve", role_arn=ADA.arn
)
ROOT = Principal(f"arn:aws:iam::{HOME}:root", HOME, "root")
LAMBDA = Principal("", "", "service", service="lambda.amazonaws.com")
NOBODY = Principal("", "", "anonymous")
BUCKET = "arn:aws:s3:::music"

Statements = list[dict[str, Any]]


def policy(kind: Kind, *statements: dict[str, Any], name: str = "p") -> Policy:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), kind, name)


def allow(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:*", "Resource": "*"} | more


def deny(**more: Any) -> dict[str, Any]:
    return allow(Effect="Deny") | more


def ask(principal: Principal, account: str = HOME, action: str = "s3:GetObject", **keys: str) -> Request:
    context = Context({name.replace("_", ":"): value for name, value in keys.items()})
    return Request(principal, action, f"{BUCKET}/a", context, account)


IDENTITY = policy(Kind.IDENTITY, allow())
NOTHING = policy(Kind.IDENTITY, allow(Action="sqs:*"))


def bound(*statements: dict[str, Any]) -> Policy:
    return policy(Kind.BOUNDARY, *statements)


def to(principal: Any, **more: Any) -> Policy:
    return policy(Kind.RESOURCE, allow(Principal=principal, **more))


TIGHT = bound(allow(Action="sqs:*"))
TIGHT_SESSION = (policy(Kind.SESSION, allow(Action="sqs:*")),)
SCP_ALL = policy(Kind.SERVICE_CONTROL, allow(Action="*"))
SCP_OTHER = policy(Kind.SERVICE_CONTROL, allow(Action="sqs:*"))
RCP_ALL = policy(Kind.RESOURCE_CONTROL, allow(Action="*", Principal="*"))
RCP_DENY = policy(Kind.RESOURCE_CONTROL, deny(Principal="*"))


def verdict(request: Request, policies: Policies) -> tuple[str, Kind | None]:
    decision = decide(request, policies)
    return decision.outcome.value, decision.layer


ALLOWED, IMPLICIT, EXPLICIT = "allowed", "implicitDeny", "explicitDeny"


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        (Policies(), (IMPLICIT, Kind.IDENTITY)),
        (Policies((NOTHING,)), (IMPLICIT, Kind.IDENTITY)),
        (Policies((NOTHING, IDENTITY)), (ALLOWED, Kind.IDENTITY)),
        (Policies((IDENTITY, policy(Kind.IDENTITY, deny()))), (EXPLICIT, Kind.IDENTITY)),
        (Policies((IDENTITY,), boundary=TIGHT), (IMPLICIT, Kind.BOUNDARY)),
        (Policies((IDENTITY,), boundary=bound(allow())), (ALLOWED, Kind.IDENTITY)),
        (Policies((), boundary=bound(allow())), (IMPLICIT, Kind.IDENTITY)),
        (Policies((), boundary=bound(deny())), (EXPLICIT, Kind.BOUNDARY)),
        (Policies((IDENTITY,), session=()), (IMPLICIT, Kind.SESSION)),
        (Policies((IDENTITY,), boundary=TIGHT, session=()), (IMPLICIT, Kind.BOUNDARY)),
        (Policies((IDENTITY,), session=TIGHT_SESSION), (IMPLICIT, Kind.SESSION)),
        (Policies((IDENTITY,), session=(*TIGHT_SESSION, policy(Kind.SESSION, allow()))), (ALLOWED, Kind.IDENTITY)),
        (Policies((), session=(policy(Kind.SESSION, allow()),)), (IMPLICIT, Kind.IDENTITY)),
        (Policies((IDENTITY,), service_control=((SCP_ALL,), (SCP_ALL,))), (ALLOWED, Kind.IDENTITY)),
        (Policies((IDENTITY,), service_control=((SCP_ALL,), (SCP_OTHER,))), (IMPLICIT, Kind.SERVICE_CONTROL)),
        (Policies((IDENTITY,), service_control=((SCP_OTHER,), (SCP_ALL,))), (IMPLICIT, Kind.SERVICE_CONTROL)),
        (Policies((IDENTITY,), service_control=((SCP_ALL,), ())), (IMPLICIT, Kind.SERVICE_CONTROL)),
        (Policies((IDENTITY,), service_control=((SCP_OTHER, SCP_ALL),)), (ALLOWED, Kind.IDENTITY)),
        (Policies((), service_control=((SCP_ALL,),)), (IMPLICIT, Kind.IDENTITY)),
        (Policies((IDENTITY,), resource_control=((RCP_ALL,),)), (ALLOWED, Kind.IDENTITY)),
        (Policies((IDENTITY,), resource_control=((RCP_ALL, RCP_DENY),)), (EXPLICIT, Kind.RESOURCE_CONTROL)),
        (Policies((), resource_control=((RCP_ALL,),)), (IMPLICIT, Kind.IDENTITY)),
        (Policies((IDENTITY,), resource=policy(Kind.RESOURCE, deny(Principal="*"))), (EXPLICIT, Kind.RESOURCE)),
    ],
)
def test_within_an_account_layers_limit_and_identity_policies_grant(
    policies: Policies, expected: tuple[str, Kind]
) -> None:
    assert verdict(ask(ADA), policies) == expected


LIMITS = (Policies(boundary=TIGHT), Policies(session=TIGHT_SESSION))
BY_ARN = {"StringLike": {"aws:PrincipalArn": "*"}}


@pytest.mark.parametrize(
    ("principal", "named", "passes_limits"),
    [
        (ADA, {"AWS": ADA.arn}, True),
        (ADA, {"AWS": ADA.user_id}, True),
        (SESSION, {"AWS": SESSION.arn}, True),
        (SESSION, {"AWS": ROLE}, False),
        (SESSION, {"AWS": "AROAPLAYER00000"}, False),
        (FEDERATED, {"AWS": FEDERATED.arn}, True),
        (FEDERATED, {"AWS": ADA.arn}, False),
        (SESSION, "*", False),
        (ADA, {"AWS": "*"}, False),
    ],
)
def test_a_resource_policy_grants_and_only_the_closest_name_passes_over_limits(
    principal: Principal, named: Any, passes_limits: bool
) -> None:
    request = ask(principal)
    assert verdict(request, Policies(resource=to(named))) == (ALLOWED, Kind.RESOURCE)
    for limits in LIMITS:
        limited = Policies(boundary=limits.boundary, session=limits.session, resource=to(named))
        assert decide(request, limited).allowed is passes_limits


def test_anyone_under_a_condition_on_the_principals_arn_passes_over_limits() -> None:
    request = ask(SESSION, aws_PrincipalArn=ROLE)
    for limits in LIMITS:
        resource = to("*", Condition=BY_ARN)
        assert decide(request, Policies(boundary=limits.boundary, session=limits.session, resource=resource)).allowed


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/other"}},
        {"Null": {"aws:PrincipalArn": "false"}},
        {"StringLikeIfExists": {"aws:PrincipalArn": "*"}},
    ],
)
def test_a_condition_that_names_no_arn_lets_nobody_pass_over_limits(condition: dict[str, Any]) -> None:
    request = ask(SESSION, aws_PrincipalArn=ROLE)
    resource = to("*", Condition=condition)
    assert decide(request, Policies(resource=resource)).allowed
    assert not decide(request, Policies(boundary=TIGHT, resource=resource)).allowed


def test_nothing_passes_over_an_explicit_deny_or_the_organization() -> None:
    resource = to({"AWS": ADA.arn})
    assert verdict(ask(ADA), Policies(boundary=bound(deny()), resource=resource)) == (EXPLICIT, Kind.BOUNDARY)
    levels = ((SCP_OTHER,),)
    assert verdict(ask(ADA), Policies(service_control=levels, resource=resource)) == (IMPLICIT, Kind.SERVICE_CONTROL)


def test_naming_the_account_only_delegates() -> None:
    assert verdict(ask(ADA), Policies(resource=to({"AWS": HOME}))) == (IMPLICIT, Kind.IDENTITY)
    assert decide(ask(ADA), Policies((IDENTITY,), resource=to({"AWS": HOME}))).allowed


@pytest.mark.parametrize("named", ["*", {"AWS": HOME}, {"AWS": ADA.arn}])
def test_across_accounts_both_sides_must_allow(named: Any) -> None:
    request = ask(ADA, AWAY)
    assert verdict(request, Policies((IDENTITY,))) == (IMPLICIT, Kind.RESOURCE)
    assert verdict(request, Policies(resource=to(named))) == (IMPLICIT, Kind.IDENTITY)
    assert verdict(request, Policies((IDENTITY,), resource=to(named))) == (ALLOWED, Kind.RESOURCE)
    assert verdict(request, Policies((IDENTITY,), boundary=TIGHT, resource=to(named))) == (IMPLICIT, Kind.BOUNDARY)
    assert verdict(request, Policies((IDENTITY,), session=(), resource=to(named))) == (IMPLICIT, Kind.SESSION)


def test_the_owners_account_is_no_callers_account() -> None:
    assert not decide(ask(ADA, AWAY), Policies((IDENTITY,), resource=to({"AWS": AWAY}))).allowed


@pytest.mark.parametrize(("kind", "action"), [(Kind.RESOURCE, "kms:Decrypt"), (Kind.TRUST, "sts:AssumeRole")])
def test_an_authoritative_policy_decides_whether_the_accounts_own_count(kind: Kind, action: str) -> None:
    def own(principal: Any) -> Policy:
        statement = {"Effect": "Allow", "Action": action, "Principal": principal}
        return policy(kind, statement | ({"Resource": "*"} if kind is Kind.RESOURCE else {}))

    mine = (policy(Kind.IDENTITY, allow(Action=action)),)
    request = ask(ADA, action=action)
    other = own({"AWS": AWAY})
    assert verdict(request, Policies(mine, resource=other, resource_is_authoritative=True)) == (IMPLICIT, kind)
    delegating = own({"AWS": HOME})
    assert verdict(request, Policies(mine, resource=delegating, resource_is_authoritative=True))[0] == ALLOWED
    assert verdict(request, Policies((), resource=delegating, resource_is_authoritative=True)) == (
        IMPLICIT,
        Kind.IDENTITY,
    )
    assert decide(request, Policies((), resource=own({"AWS": ADA.arn}), resource_is_authoritative=True)).allowed


def test_an_authoritative_resource_without_a_policy_is_closed_even_to_root() -> None:
    closed = Policies((IDENTITY,), resource_is_authoritative=True)
    assert verdict(ask(ADA), closed) == (IMPLICIT, Kind.RESOURCE)
    assert verdict(ask(ROOT), closed) == (IMPLICIT, Kind.RESOURCE)


def test_root_needs_no_policy_but_is_bound_by_the_organization_and_the_resource() -> None:
    assert verdict(ask(ROOT), Policies()) == (ALLOWED, Kind.IDENTITY)
    assert verdict(ask(ROOT), Policies(service_control=((SCP_OTHER,),))) == (IMPLICIT, Kind.SERVICE_CONTROL)
    assert verdict(ask(ROOT), Policies(resource_control=((RCP_ALL, RCP_DENY),))) == (EXPLICIT, Kind.RESOURCE_CONTROL)
    denying = policy(Kind.RESOURCE, deny(Principal={"AWS": HOME}))
    assert verdict(ask(ROOT), Policies(resource=denying)) == (EXPLICIT, Kind.RESOURCE)
    assert verdict(ask(ROOT, AWAY), Policies()) == (IMPLICIT, Kind.RESOURCE)
    assert decide(ask(ROOT, AWAY), Policies(resource=to({"AWS": HOME}))).allowed


def test_service_control_policies_leave_the_management_account_alone() -> None:
    manager = Principal(ADA.arn, HOME, "user", is_management_account=True)
    blocked = policy(Kind.SERVICE_CONTROL, deny())
    assert decide(ask(manager), Policies((IDENTITY,), service_control=((blocked,),))).allowed
    assert not decide(ask(ADA), Policies((IDENTITY,), service_control=((SCP_ALL, blocked),))).allowed


@pytest.mark.parametrize(("caller", "named"), [(LAMBDA, {"Service": "lambda.amazonaws.com"}), (NOBODY, "*")])
def test_who_has_no_account_is_allowed_by_the_resource_alone(caller: Principal, named: Any) -> None:
    assert verdict(ask(caller), Policies((IDENTITY,))) == (IMPLICIT, Kind.RESOURCE)
    assert verdict(ask(caller), Policies(resource=to(named))) == (ALLOWED, Kind.RESOURCE)
    assert not decide(ask(caller), Policies(resource=to({"Service": "sns.amazonaws.com"}))).allowed
    assert not decide(ask(caller), Policies(resource=to(named), resource_control=((RCP_ALL, RCP_DENY),))).allowed
    assert decide(ask(caller), Policies(resource=to(named), service_control=((SCP_OTHER,),))).allowed


@pytest.mark.parametrize(
    ("caller", "listed", "spared"),
    [
        (ADA, [ADA.arn, HOME], True),
        (ADA, [ADA.arn], False),
        (ADA, [HOME], False),
        (ADA, ["*"], True),
        (SESSION, [HOME, ROLE, SESSION.arn], True),
        (SESSION, [HOME, ROLE], False),
        (ROOT, [HOME], True),
        (ROOT, [AWAY], False),
    ],
)
def test_a_deny_with_notprincipal_spares_whose_every_name_is_listed(
    caller: Principal, listed: list[str], spared: bool
) -> None:
    resource = policy(Kind.RESOURCE, deny(NotPrincipal={"AWS": listed}))
    assert decide(ask(caller), Policies((IDENTITY,), resource=resource)).allowed is spared


def test_a_deny_with_notprincipal_denies_everybody_with_a_boundary() -> None:
    resource = policy(Kind.RESOURCE, deny(NotPrincipal={"AWS": [ADA.arn, HOME]}))
    policies = Policies((IDENTITY,), boundary=bound(allow()), resource=resource)
    assert verdict(ask(ADA), policies) == (EXPLICIT, Kind.RESOURCE)


def test_an_allow_with_notprincipal_grants_all_but_the_listed() -> None:
    resource = policy(Kind.RESOURCE, allow(NotPrincipal={"AWS": [ADA.arn]}))
    assert not decide(ask(ADA), Policies(resource=resource)).allowed
    assert decide(ask(SESSION), Policies(resource=resource)).allowed


def test_names_of_actions_ignore_case_and_resources_do_not() -> None:
    narrow = policy(Kind.IDENTITY, allow(Action="S3:getOBJECT", Resource=f"{BUCKET}/a"))
    assert decide(ask(ADA), Policies((narrow,))).allowed
    assert not decide(Request(ADA, "s3:GetObject", f"{BUCKET}/A"), Policies((narrow,))).allowed


def test_notaction_and_notresource_are_all_the_others() -> None:
    others = policy(Kind.IDENTITY, {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": f"{BUCKET}/secret*"})
    assert decide(ask(ADA), Policies((others,))).allowed
    assert not decide(ask(ADA, action="s3:PutObject"), Policies((others,))).allowed
    assert not decide(Request(ADA, "s3:GetObject", f"{BUCKET}/secret/x"), Policies((others,))).allowed


def test_a_resource_whose_variable_has_no_value_matches_nothing() -> None:
    own = policy(Kind.IDENTITY, allow(Resource=f"{BUCKET}/${{aws:username}}*"))
    assert not decide(ask(ADA), Policies((own,))).allowed
    assert decide(ask(ADA, aws_username="a"), Policies((own,))).allowed
    others = policy(Kind.IDENTITY, {"Effect": "Deny", "Action": "s3:*", "NotResource": f"{BUCKET}/${{aws:username}}*"})
    assert verdict(ask(ADA), Policies((IDENTITY, others))) == (EXPLICIT, Kind.IDENTITY)


def test_a_decision_names_the_statements_that_decided() -> None:
    first = policy(Kind.IDENTITY, allow(Sid="Read"), allow(Action="sqs:*"), allow(Resource=f"{BUCKET}/*"), name="one")
    decision = decide(ask(ADA), Policies((first,)))
    assert [(each.policy, each.label) for each in decision.statements] == [("one", "Read"), ("one", "Statement[2]")]
    guard = bound(allow(), deny(Sid="Never"))
    decision = decide(ask(ADA), Policies((first,), boundary=guard))
    assert [(each.kind, each.label) for each in decision.statements] == [(Kind.BOUNDARY, "Never")]


def test_a_denial_tells_which_condition_failed_and_with_what() -> None:
    condition = {"StringEquals": {"aws:RequestTag/team": ["red", "blue"]}}
    tagged = policy(Kind.IDENTITY, allow(Sid="Tagged", Condition=condition))
    decision = decide(Request(ADA, "s3:GetObject", "*", Context({"AWS:requesttag/TEAM": "green"})), Policies((tagged,)))
    (miss,) = decision.near_misses
    assert (miss.statement.label, miss.element, miss.operator) == ("Tagged", "Condition", "StringEquals")
    assert (miss.key, miss.wanted, miss.found) == ("aws:RequestTag/team", ("red", "blue"), ("green",))
    assert decision.missing_keys == ()
    (miss,) = decide(ask(ADA), Policies((tagged,))).near_misses
    assert miss.found is None


def test_a_denial_tells_of_resources_and_principals_that_nearly_matched() -> None:
    elsewhere = policy(Kind.IDENTITY, allow(Resource=f"{BUCKET}/b"))
    (miss,) = decide(ask(ADA), Policies((elsewhere,))).near_misses
    assert (miss.element, miss.wanted, miss.found) == ("Resource", (f"{BUCKET}/b",), (f"{BUCKET}/a",))
    (miss,) = decide(ask(ADA), Policies(resource=to({"AWS": ROLE}))).near_misses
    assert (miss.element, miss.wanted, miss.found) == ("Principal", (ROLE,), (ADA.arn,))


def test_missing_keys_are_those_that_conditions_and_variables_ask_for() -> None:
    condition = {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}", "aws:userid": "${aws:gone, 'x'}"}}
    tagged = policy(
        Kind.IDENTITY,
        allow(Condition=condition),
        allow(Resource=f"{BUCKET}/${{aws:username}}"),
        allow(Action="sqs:*", Condition={"Null": {"aws:TagKeys": "true"}}),
    )
    decision = decide(ask(ADA), Policies((tagged,)))
    assert set(decision.missing_keys) == {"aws:RequestTag/team", "aws:PrincipalTag/team", "aws:userid", "aws:username"}


def test_boundary_and_organization_have_their_own_say() -> None:
    decision = decide(ask(ADA), Policies((IDENTITY,)))
    assert (decision.boundary_allows, decision.organization_allows) == (None, None)
    decision = decide(ask(ADA), Policies((), boundary=bound(allow()), service_control=((SCP_ALL,), (SCP_OTHER,))))
    assert (decision.boundary_allows, decision.organization_allows) == (True, False)
    decision = decide(ask(ADA), Policies((), boundary=bound(allow(), deny()), resource_control=((RCP_ALL,),)))
    assert (decision.boundary_allows, decision.organization_allows) == (False, True)


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        (Policies(), "because no identity-based policy allows the s3:GetObject action"),
        (Policies((IDENTITY,), boundary=TIGHT), "because no permissions boundary allows the s3:GetObject action"),
        (Policies((IDENTITY,), session=()), "because no session policy allows the s3:GetObject action"),
        (
            Policies((IDENTITY,), service_control=((SCP_OTHER,),)),
            "because no service control policy allows the s3:GetObject action",
        ),
        (Policies((policy(Kind.IDENTITY, deny()),)), "with an explicit deny in an identity-based policy"),
        (Policies(boundary=bound(deny())), "with an explicit deny in a permissions boundary"),
        (Policies(resource_control=((RCP_DENY,),)), "with an explicit deny in a resource control policy"),
    ],
)
def test_a_denial_is_worded_as_aws_words_it(policies: Policies, reason: str) -> None:
    request = ask(ADA)
    decision = decide(request, policies)
    assert decision.outcome is not Outcome.ALLOWED
    assert decision.sentence(request) == (
        f"User: {ADA.arn} is not authorized to perform: s3:GetObject on resource: {BUCKET}/a {reason}"
    )


def test_plans_and_policies_do_not_remember_actions_without_end() -> None:
    policies = Policies((IDENTITY,))
    for number in range(3000):
        assert decide(ask(ADA, action=f"s3:Get{number}"), policies).allowed
    assert len(policies.plans) <= 1024
    assert len(IDENTITY._by_action) <= 1024


def test_the_same_policies_answer_different_callers_each_by_what_applies_to_them() -> None:
    policies = Policies((), service_control=((SCP_OTHER,),), resource=to("*"))
    manager = Principal(ADA.arn, HOME, "user", is_management_account=True)
    assert [decide(ask(caller), policies).allowed for caller in (ADA, manager, NOBODY, ADA)] == [
        False,
        True,
        True,
        False,
    ]
    assert [decide(ask(ROOT, account), Policies()).allowed for account in (HOME, AWAY, HOME)] == [True, False, True]


def test_a_malformed_policy_is_no_policy_and_never_an_empty_one() -> None:
    with pytest.raises(MalformedPolicy):
        policy(Kind.IDENTITY, allow(Condition={"StringEqual": {"aws:username": "ada"}}))


def test_an_account_by_its_number_is_the_same_account_in_every_partition() -> None:
    chinese = Principal(f"arn:aws-cn:iam::{HOME}:user/ada", HOME, "user")
    spared = policy(Kind.RESOURCE, deny(NotPrincipal={"AWS": [HOME, chinese.arn]}), allow(Principal={"AWS": HOME}))
    assert decide(ask(chinese), Policies((IDENTITY,), resource=spared)).allowed


def test_colons_in_what_a_request_fills_in_are_no_borders_of_an_arn() -> None:
    own = policy(Kind.IDENTITY, allow(Resource="arn:aws:s3:::music/${aws:userid}/*.mid"))
    request = Request(SESSION, "s3:GetObject", f"{BUCKET}/AROA:ada/x.mid", Context({"aws:userid": "AROA:ada"}))
    assert decide(request, Policies((own,))).allowed
    assert not decide(
        Request(SESSION, "s3:GetObject", f"{BUCKET}/AROA:eve/x.mid", request.context), Policies((own,))
    ).allowed
