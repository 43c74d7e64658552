"""What is refused as a policy, and the sentence that says which statement and element is at fault."""

import json
from typing import Any

import pytest

from service.iam import Kind, MalformedPolicy, parse
from service.iam.limits import DOCUMENT, NESTING, size

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
FOR_RESOURCE = GOOD | {"Principal": "*"}
TRUSTING = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}
OF_IDENTITY = (Kind.IDENTITY, Kind.BOUNDARY, Kind.SESSION, Kind.SERVICE_CONTROL)


def document(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | more)


def without(statement: dict[str, Any], element: str) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != element}


def refused(text: str, kind: Kind = Kind.IDENTITY) -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        parse(text, kind)
    return caught.value


@pytest.mark.parametrize("kind", OF_IDENTITY)
def test_a_policy_of_an_identity_is_read(kind: Kind) -> None:
    policy = parse(document(GOOD | {"Sid": "Read1"}), kind, "reading")
    assert (policy.name, policy.kind, policy.version) == ("reading", kind, "2012-10-17")
    assert [statement.sid for statement in policy.statements] == ["Read1"]


def test_each_other_kind_is_read_by_its_own_rules() -> None:
    parse(document(FOR_RESOURCE | {"Sid": "Enable IAM User Permissions"}), Kind.RESOURCE)
    parse(document(TRUSTING), Kind.TRUST)
    parse(document(FOR_RESOURCE | {"Action": "*"}), Kind.RESOURCE_CONTROL)
    parse(document(FOR_RESOURCE | {"Effect": "Deny"}), Kind.RESOURCE_CONTROL)


def test_a_statement_may_stand_alone_and_the_version_be_left_out() -> None:
    policy = parse(json.dumps({"Id": "x", "Statement": GOOD}), Kind.IDENTITY)
    assert policy.version == "2008-10-17"
    assert len(policy.statements) == 1


def test_numbers_and_booleans_may_be_values_of_conditions() -> None:
    condition = {"NumericLessThan": {"s3:max-keys": 10.50}, "Bool": {"aws:SecureTransport": [True, "false"]}}
    (statement,) = parse(document(GOOD | {"Condition": condition}), Kind.IDENTITY).statements
    assert [one.wanted for one in statement.conditions] == [("10.5",), ("true", "false")]


def test_a_message_names_the_statement_and_the_element() -> None:
    error = refused(document(GOOD, GOOD | {"Sid": "Mine", "Condition": {"StringEqual": {"aws:username": "a"}}}))
    assert error.path == "Statement[1].Condition.StringEqual"
    assert error.sid == "Mine"
    assert str(error) == ('Statement[1].Condition.StringEqual (Sid "Mine"): "StringEqual" is no condition operator.')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("nonsense", "no JSON"),
        ("[]", "JSON object"),
        ('"x"', "JSON object"),
        ("null", "JSON object"),
        ("12", "JSON object"),
        ("\ufeff" + document(GOOD), "byte order mark"),
        ('{"Version": NaN}', "NaN"),
        ('{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', '"Version" stands twice'),
        ("[" * (NESTING + 1) + "]" * (NESTING + 1), "levels deep"),
        ("[" * 100_000, "levels deep"),
        (" " * (DOCUMENT + 1), "longer than"),
        ("1" * 10_000, "JSON object"),
    ],
)
def test_text_that_is_no_policy_at_all_is_refused(text: str, told: str) -> None:
    error = refused(text)
    assert error.path == ""
    assert told in str(error)


def test_a_key_that_stands_twice_is_refused_wherever_it_stands() -> None:
    text = document(GOOD).replace('"Effect"', '"Action": "s3:*", "Effect"')
    assert '"Action" stands twice' in str(refused(text))


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({}, "Statement"),
        ({"Statement": []}, "Statement"),
        ({"Statement": "x"}, "Statement"),
        ({"Statement": [1]}, "Statement[0]"),
        ({"Statement": [[]]}, "Statement[0]"),
        ({"Statement": [GOOD], "Version": "2012-10-18"}, "Version"),
        ({"Statement": [GOOD], "Version": None}, "Version"),
        ({"Statement": [GOOD], "Version": 2012}, "Version"),
        ({"Statement": [GOOD], "Id": 5}, "Id"),
        ({"Statement": [GOOD], "Comment": "x"}, "Comment"),
        ({"statement": [GOOD]}, "statement"),
    ],
)
def test_the_document_has_its_elements_and_no_others(content: dict[str, Any], path: str) -> None:
    assert refused(json.dumps(content)).path == path


@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({"Effect": "allow"}, "Effect"),
        ({"Effect": None}, "Effect"),
        ({"Sid": "two words"}, "Sid"),
        ({"Sid": "newline\n"}, "Sid"),
        ({"Sid": "é"}, "Sid"),
        ({"Sid": 7}, "Sid"),
        ({"Comment": "x"}, "Comment"),
        ({"NotAction": "s3:PutObject"}, "NotAction"),
        ({"NotResource": "*"}, "NotResource"),
        ({"Principal": "*"}, "Principal"),
        ({"NotPrincipal": "*"}, "NotPrincipal"),
        ({"Action": []}, "Action"),
        ({"Action": ["s3:Get*", 5]}, "Action"),
        ({"Action": {}}, "Action"),
        ({"Action": ""}, "Action"),
        ({"Action": "GetObject"}, "Action"),
        ({"Action": "s3:"}, "Action"),
        ({"Action": ":GetObject"}, "Action"),
        ({"Action": "s3:Get:Object"}, "Action"),
        ({"Action": "s3: GetObject"}, "Action"),
        ({"Action": "s3:GetObject\n"}, "Action"),
        ({"Action": "s3:GеtObject"}, "Action"),  # a Cyrillic e
        ({"Action": "s*:GetObject"}, "Action"),
        ({"Action": "*:GetObject"}, "Action"),
        ({"Resource": []}, "Resource"),
        ({"Resource": ["*", 5]}, "Resource"),
        ({"Resource": ""}, "Resource"),
        ({"Resource": "bucket"}, "Resource"),
        ({"Resource": "arn"}, "Resource"),
        ({"Resource": "arn:aws:s3"}, "Resource"),
        ({"Resource": "arn:aws:s3::x"}, "Resource"),
        ({"Resource": "arn:moon:s3:::x"}, "Resource"),
        ({"Resource": "arn:aws::::x"}, "Resource"),
        ({"Resource": "arn:aws:s*:::x"}, "Resource"),
        ({"Resource": "${aws:username}"}, "Resource"),
        ({"Condition": []}, "Condition"),
        ({"Condition": "x"}, "Condition"),
        ({"Condition": {"StringEquals": "x"}}, "Condition.StringEquals"),
        ({"Condition": {"StringEquals": {"username": "x"}}}, "Condition.StringEquals"),
        ({"Condition": {"StringEquals": {"aws:username": {}}}}, "Condition.StringEquals.aws:username"),
        ({"Condition": {"StringEquals": {"aws:username": None}}}, "Condition.StringEquals.aws:username"),
        ({"Condition": {"StringEquals": {"aws:username": [["x"]]}}}, "Condition.StringEquals.aws:username"),
        ({"Condition": {"NullIfExists": {"aws:username": "true"}}}, "Condition.NullIfExists"),
        ({"Condition": {"ForSome:StringEquals": {"aws:username": "x"}}}, "Condition.ForSome:StringEquals"),
        ({"Condition": {"stringequals": {"aws:username": "x"}}}, "Condition.stringequals"),
    ],
)
def test_a_broken_statement_is_refused_and_its_element_named(change: dict[str, Any], element: str) -> None:
    assert refused(document(GOOD | change)).path == f"Statement[0].{element}"


@pytest.mark.parametrize("element", ["Effect", "Action", "Resource"])
def test_a_statement_lacks_no_element(element: str) -> None:
    assert refused(document(without(GOOD, element))).path == f"Statement[0].{element}"


@pytest.mark.parametrize("kind", [*OF_IDENTITY])
def test_only_policies_of_resources_speak_of_principals(kind: Kind) -> None:
    assert refused(document(FOR_RESOURCE), kind).path == "Statement[0].Principal"


def test_sids_of_one_policy_differ_but_may_be_left_out() -> None:
    error = refused(document(GOOD | {"Sid": "a"}, GOOD, GOOD | {"Sid": "a"}))
    assert error.path == "Statement[2].Sid"
    parse(document(GOOD | {"Sid": "a"}, GOOD | {"Sid": "A"}, GOOD, GOOD | {"Sid": ""}), Kind.IDENTITY)


@pytest.mark.parametrize(
    "principal",
    [
        "everyone", None, [], {}, {"AWS": []}, {"AWS": 111122223333}, {"AWS": ["*", 1]}, {"aws": "*"}, {"Human": "*"},
        {"AWS": "11112222333"}, {"AWS": "arn:aws:iam::111122223333:user/*"}, {"AWS": "arn:aws:iam::*:root"},
        {"AWS": "arn:aws:iam::111122223333:group/g"}, {"AWS": "arn:aws:s3:::bucket"}, {"Service": "*"},
        {"Service": "lambda"}, {"Federated": "*.example.org"}, {"CanonicalUser": "abc"}, {"AWS": ""},
    ],
)  # fmt: skip
def test_a_principal_that_names_nobody_is_refused(principal: Any) -> None:
    assert refused(document(FOR_RESOURCE | {"Principal": principal}), Kind.RESOURCE).path == "Statement[0].Principal"


def test_accounts_are_their_root_and_every_type_of_principal_is_read() -> None:
    written = {
        "AWS": ["111122223333", "arn:aws:iam::111122223333:role/a/b", "arn:aws:sts::111122223333:assumed-role/b/s"],
        "Service": "lambda.amazonaws.com",
        "Federated": "cognito-identity.amazonaws.com",
        "CanonicalUser": "0123456789abcdef" * 4,
    }
    (statement,) = parse(document(FOR_RESOURCE | {"Principal": written}), Kind.RESOURCE).statements
    assert statement.principals is not None
    assert statement.principals.entries["AWS"][0] == "arn:aws:iam::111122223333:root"
    assert set(statement.principals.entries) == set(written)


def test_both_principal_and_notprincipal_are_too_much_and_none_too_little() -> None:
    both = FOR_RESOURCE | {"NotPrincipal": "*"}
    assert refused(document(both), Kind.RESOURCE).path == "Statement[0].NotPrincipal"
    assert refused(document(GOOD), Kind.RESOURCE).path == "Statement[0].Principal"


def test_a_trust_policy_names_no_resource_and_only_actions_of_sts() -> None:
    assert refused(document(TRUSTING | {"Resource": "*"}), Kind.TRUST).path == "Statement[0].Resource"
    assert refused(document(TRUSTING | {"Action": "s3:GetObject"}), Kind.TRUST).path == "Statement[0].Action"
    assert refused(document(TRUSTING | {"Action": "*"}), Kind.TRUST).path == "Statement[0].Action"


def test_a_trust_policy_names_whom_it_trusts_and_not_whom_it_does_not() -> None:
    distrusting = without(TRUSTING, "Principal") | {"NotPrincipal": {"AWS": "111122223333"}}
    assert refused(document(distrusting), Kind.TRUST).path == "Statement[0].NotPrincipal"


@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({"Effect": "Allow"}, "Effect"),
        ({"Principal": {"AWS": "111122223333"}}, "Principal"),
        ({"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "Effect"),
    ],
)
def test_a_resource_control_policy_only_denies_and_speaks_to_all(change: dict[str, Any], element: str) -> None:
    text = document(FOR_RESOURCE | {"Effect": "Deny"} | change)
    assert refused(text, Kind.RESOURCE_CONTROL).path == f"Statement[0].{element}"


def test_white_space_does_not_count_for_the_size() -> None:
    text = document(GOOD)
    padded = text.replace(" ", " \n\t ")
    assert size(padded) == size(text) == len("".join(text.split()))
    parse(padded, Kind.IDENTITY, limit=size(text))
    with pytest.raises(MalformedPolicy, match=f"{size(text)} characters; {size(text) - 1} are allowed"):
        parse(padded, Kind.IDENTITY, limit=size(text) - 1)


@pytest.mark.parametrize(
    "resource",
    ["arn:aws:s3:::a", "arn:aws:s3:*", "arn:aws:*", "arn:*:s3:::a", "arn:aws-cn:s3:::${aws:username}/*", "*"],
)
def test_resources_that_are_arns_are_read(resource: str) -> None:
    parse(document(GOOD | {"Resource": resource}), Kind.IDENTITY)


def test_what_was_read_once_is_remembered_for_the_same_document_kind_and_name() -> None:
    text = document(GOOD)
    assert parse(text, Kind.IDENTITY, "a") is parse(text, Kind.IDENTITY, "a")
    assert parse(text, Kind.IDENTITY, "a") is not parse(text, Kind.IDENTITY, "b")
    assert parse(text, Kind.BOUNDARY, "a").kind is Kind.BOUNDARY
