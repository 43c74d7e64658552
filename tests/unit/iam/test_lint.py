"""Each risky pattern is found where it stands, and its safe form is not."""

import json
from typing import Any

import pytest

from service.iam import Kind
from service.iam.finding import Finding, FindingType
from service.iam.lint import lint

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::music/*"}
OPEN = ALLOW | {"Principal": "*"}


def found(statement: dict[str, Any], kind: Kind = Kind.IDENTITY, version: str = "2012-10-17") -> tuple[Finding, ...]:
    return lint(json.dumps({"Version": version, "Statement": [statement]}), kind)


def codes(statement: dict[str, Any], kind: Kind = Kind.IDENTITY, version: str = "2012-10-17") -> set[str]:
    return {finding.code for finding in found(statement, kind, version)}


def under(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return ALLOW | {"Condition": {operator: {key: list(values)}}}


TAGS = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
BOUND = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


@pytest.mark.parametrize(
    ("code", "risky", "safe"),
    [
        (
            "FOR_ALL_VALUES_WITHOUT_NULL",
            ALLOW | {"Condition": TAGS},
            ALLOW | {"Condition": TAGS | {"Null": {"AWS:tagkeys": "false"}}},
        ),
        (
            "ALLOW_WITH_NOT_ACTION",
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"},
        ),
        (
            "ALLOW_WITH_NOT_RESOURCE",
            {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::secret"},
            {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::open"},
        ),
        ("ALLOW_EVERYTHING", ALLOW | {"Action": "*", "Resource": "*"}, ALLOW | {"Action": "s3:*", "Resource": "*"}),
        (
            "PASS_ROLE_ON_EVERYTHING",
            ALLOW | {"Action": "iam:Pass*", "Resource": "*"},
            ALLOW | {"Action": "iam:Pass*", "Resource": "*", "Condition": BOUND},
        ),
        (
            "PASS_ROLE_ON_EVERYTHING",
            ALLOW | {"Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/*"},
            ALLOW | {"Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/one"},
        ),
        (
            "REDUNDANT_ACTION",
            ALLOW | {"Action": ["s3:GetObject", "S3:Get*"]},
            ALLOW | {"Action": ["s3:Get?", "s3:Get*x"]},
        ),
        (
            "WILDCARD_WITHOUT_LIKE",
            under("StringEquals", "aws:username", "a*"),
            under("StringEquals", "aws:username", "a${*}", "${aws:userid}"),
        ),
        (
            "WILDCARD_WITHOUT_LIKE",
            under("StringNotEquals", "s3:prefix", "a?"),
            under("StringNotLike", "s3:prefix", "a?"),
        ),
        (
            "FALSE_ON_OPTIONAL_KEY",
            under("Bool", "aws:MultiFactorAuthPresent", False),
            under("BoolIfExists", "aws:MultiFactorAuthPresent", False),
        ),
        (
            "FALSE_ON_OPTIONAL_KEY",
            under("Bool", "aws:MultiFactorAuthPresent", "false"),
            under("Bool", "aws:SecureTransport", "false"),
        ),
        (
            "PRIVATE_AND_PUBLIC_ADDRESSES",
            under("IpAddress", "aws:SourceIp", "192.168.0.0/16", "8.8.8.8"),
            under("IpAddress", "aws:SourceIp", "192.168.0.0/16", "10.0.0.0/8"),
        ),
        ("UNREADABLE_VALUE", under("NumericEquals", "s3:max-keys", "ten"), under("NumericEquals", "s3:max-keys", 10)),
        ("UNREADABLE_VALUE", under("Null", "aws:username", "maybe"), under("Null", "aws:username", True)),
        (
            "UNREADABLE_VALUE",
            under("DateLessThan", "aws:CurrentTime", "tomorrow"),
            under("DateLessThan", "aws:CurrentTime", "2026-01-01"),
        ),
        ("NO_VALUES", under("StringEquals", "aws:username"), under("StringEquals", "aws:username", "a")),
        (
            "UNFINISHED_VARIABLE",
            under("StringLike", "s3:prefix", "${aws:username/*"),
            under("StringLike", "s3:prefix", "${aws:username}/*"),
        ),
        (
            "SET_OPERATOR_ON_SINGLE_VALUE",
            under("ForAnyValue:StringEquals", "aws:RequestTag/team", "a"),
            under("ForAnyValue:StringEquals", "aws:TagKeys", "a"),
        ),
        (
            "NO_SET_OPERATOR_ON_MANY_VALUES",
            under("StringEquals", "aws:TagKeys", "a"),
            under("Null", "aws:TagKeys", "false"),
        ),
        (
            "SEVERAL_BOOLEANS",
            under("Bool", "aws:SecureTransport", True, "false"),
            under("Bool", "aws:SecureTransport", True),
        ),
        ("UNREADABLE_VALUE", under("Bool", "aws:x", "yes"), under("Bool", "aws:x", "${aws:y}")),
        (
            "KEY_TWICE_IN_DIFFERENT_CASE",
            ALLOW | {"Condition": {"StringEquals": {"aws:username": "a", "aws:UserName": "b"}}},
            ALLOW | {"Condition": {"StringEquals": {"aws:username": "a"}, "StringLike": {"aws:UserName": "b"}}},
        ),
        (
            "MISSING_TAG_KEY",
            under("StringEquals", "aws:RequestTag/", "a"),
            under("StringEquals", "aws:RequestTag/a", "a"),
        ),
        (
            "VARIABLE_BEFORE_RESOURCE",
            ALLOW | {"Resource": "arn:aws:sqs:*:${aws:PrincipalAccount}:queue"},
            ALLOW | {"Resource": ["arn:aws:sqs:*:111122223333:${aws:username}", "*"]},
        ),
        (
            "SERVICE_PREFIX_ON_GLOBAL_KEY",
            under("StringEquals", "deepcomposer:ResourceTag/team", "a"),
            under("StringEquals", "aws:ResourceTag/team", "a"),
        ),
    ],
)
def test_a_risky_pattern_is_found_and_its_safe_form_is_not(
    code: str, risky: dict[str, Any], safe: dict[str, Any]
) -> None:
    assert code in codes(risky)
    assert code not in codes(safe)


@pytest.mark.parametrize(
    ("code", "risky", "safe"),
    [
        ("WILDCARD_PRINCIPAL", OPEN, OPEN | {"Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}}),
        ("WILDCARD_PRINCIPAL", OPEN | {"Principal": {"AWS": ["*"]}}, OPEN | {"Effect": "Deny"}),
        ("ALLOW_WITH_NOT_PRINCIPAL", ALLOW | {"NotPrincipal": {"AWS": "111122223333"}}, OPEN),
        ("DENY_WITH_NOT_PRINCIPAL", ALLOW | {"Effect": "Deny", "NotPrincipal": {"AWS": "111122223333"}}, OPEN),
    ],
)
def test_risky_principals_are_found(code: str, risky: dict[str, Any], safe: dict[str, Any]) -> None:
    assert code in codes(risky, Kind.RESOURCE)
    assert code not in codes(safe, Kind.RESOURCE)


def test_a_policy_without_version_is_told_of_its_variables() -> None:
    old = "2008-10-17"
    assert codes(ALLOW, version=old) == {"OLD_VERSION"}
    assert "VARIABLES_IN_OLD_VERSION" in codes(under("StringLike", "s3:prefix", "${aws:username}/*"), version=old)


def test_a_clean_policy_has_no_findings_and_an_unknown_key_is_none() -> None:
    assert codes(ALLOW) == set()
    assert codes(under("StringEquals", "deepcomposer:SomethingNew", "a")) == set()


def test_an_id_is_for_policies_of_resources() -> None:
    text = json.dumps({"Version": "2012-10-17", "Id": "mine", "Statement": [ALLOW]})
    assert [finding.code for finding in lint(text, Kind.IDENTITY)] == ["ID_IN_IDENTITY_POLICY"]


def test_a_finding_names_its_place_and_gives_advice() -> None:
    (finding,) = found(ALLOW | {"Condition": TAGS})
    assert finding.type is FindingType.SECURITY_WARNING
    assert finding.path == "Statement[0].Condition.ForAllValues:StringEquals.aws:TagKeys"
    assert '"Null": {"aws:TagKeys": "false"}' in finding.advice


def test_a_malformed_policy_has_its_error_for_a_finding() -> None:
    (finding,) = found(ALLOW | {"Action": "GetObject"})
    assert (finding.type, finding.code, finding.path) == (FindingType.ERROR, "MALFORMED_POLICY", "Statement[0].Action")
    (finding,) = lint("{", Kind.IDENTITY)
    assert finding.code == "MALFORMED_POLICY"
