import json

import pytest

from infra.local.account import Account
from infra.local.authorization import Authorizer, access_of, service_grants
from infra.local.http import LocalRequest
from infra.local.operations import s3_rules
from infra.local.supported import SUPPORTED
from service.caller import Caller, PrincipalType

ACCOUNT = Account("123456789012", "us-east-1", "AKIA", "secret", b"")
AUTHORIZER = Authorizer(service_grants(ACCOUNT, "chorale", "chorale-music"))
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/chorale"


def caller(arn, kind=PrincipalType.ASSUMED_ROLE):
    return Caller("123456789012", arn, "id", kind, "ASIA")


WORKER = caller("arn:aws:sts::123456789012:assumed-role/chorale-worker/w1")
SERVICE = caller("arn:aws:sts::123456789012:assumed-role/chorale-api/server")
STRANGERS = [
    caller("arn:aws:iam::123456789012:user/bob", PrincipalType.USER),
    caller("arn:aws:sts::123456789012:assumed-role/other/chorale-api"),
    caller("arn:aws:sts::123456789012:assumed-role/chorale-api-2/server"),
    caller("arn:aws:sts::999999999999:assumed-role/chorale-api/server"),
    caller("arn:aws:iam::123456789012:user/assumed-role/chorale-api/x", PrincipalType.USER),
]


def s3(operation, path, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return access_of(ACCOUNT, "s3", operation, LocalRequest("GET", path, "", named, b""))


def dynamodb(operation, parameters):
    body = parameters if isinstance(parameters, bytes) else json.dumps(parameters).encode()
    return access_of(ACCOUNT, "dynamodb", operation, LocalRequest("POST", "/", "", {}, body))


OWN_WORK = [
    s3("GetObject", "/chorale-music/compositions/1/a%20b.mid"),
    s3("HeadObject", "/chorale-music/k"),
    s3("PutObject", "/chorale-music/k"),
    s3("DeleteObject", "/chorale-music/k"),
    s3("DeleteObjects", "/chorale-music"),
    s3("ListObjectsV2", "/chorale-music"),
    dynamodb("GetItem", {"TableName": "chorale"}),
    dynamodb("Query", {"TableName": TABLE}),
    dynamodb("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "chorale"}}]}),
    dynamodb("BatchGetItem", {"RequestItems": {"chorale": {}}}),
]
OTHER_WORK = [
    s3("ListBuckets", "/"),
    s3("GetObject", "/chorale-music-2/k"),
    s3("DeleteBucket", "/chorale-music"),
    s3("PutPublicAccessBlock", "/chorale-music"),
    s3("CopyObject", "/chorale-music/k", x_amz_copy_source="/private/k"),
    s3("CopyObject", "/chorale-music/k", x_amz_copy_source="private%2Fk"),
    dynamodb("DeleteTable", {"TableName": "chorale"}),
    dynamodb("Scan", {"TableName": "chorale"}),
    dynamodb("GetItem", {"TableName": "chorale2"}),
    dynamodb("GetItem", {"TableName": TABLE.replace("123456789012", "999999999999")}),
    dynamodb("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "chorale"}}, {"Put": {"TableName": "b"}}]}),
    dynamodb("BatchGetItem", {"RequestItems": {"chorale": {}, "other": {}}}),
    dynamodb("GetItem", {}),
    dynamodb("GetItem", b"not json"),
    dynamodb("GetItem", b"[]"),
    dynamodb("GetItem", b'{"TransactItems": [7]}'),
    dynamodb("GetItem", b'{"a":' * 50_000),
    access_of(ACCOUNT, "iam", "CreateUser", LocalRequest("POST", "/", "", {}, b"")),
]


@pytest.mark.parametrize("access", [*OWN_WORK, *OTHER_WORK], ids=str)
def test_root_may_do_everything(access):
    assert AUTHORIZER.decide(ACCOUNT.root, access) is None


@pytest.mark.parametrize("access", OWN_WORK, ids=str)
@pytest.mark.parametrize("role", [SERVICE, WORKER], ids=lambda role: role.arn)
def test_the_services_roles_may_do_their_work(role, access):
    assert AUTHORIZER.decide(role, access) is None


@pytest.mark.parametrize("access", OTHER_WORK, ids=lambda access: str(access)[:80])
@pytest.mark.parametrize("role", [SERVICE, WORKER], ids=lambda role: role.arn)
def test_the_services_roles_may_do_nothing_else(role, access):
    assert AUTHORIZER.decide(role, access) is not None


@pytest.mark.parametrize("access", OWN_WORK, ids=str)
@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.arn)
def test_nobody_else_may_do_anything(stranger, access):
    assert AUTHORIZER.decide(stranger, access) is not None


def test_a_denial_is_worded_as_aws_words_it():
    assert AUTHORIZER.decide(STRANGERS[0], OWN_WORK[0]) == (
        "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: s3:GetObject on resource: "
        "arn:aws:s3:::chorale-music/compositions/1/a b.mid because no identity-based policy allows the s3:GetObject "
        "action"
    )


def test_the_actions_of_s3_are_those_of_iam():
    actions = {
        operation: access_of(ACCOUNT, "s3", operation, LocalRequest("GET", "/b/k", "", {}, b"")).action
        for operation in SUPPORTED["s3"]
    }
    assert actions["HeadObject"] == "s3:GetObject"
    assert actions["ListObjectsV2"] == "s3:ListBucket"
    assert actions["UploadPart"] == "s3:PutObject"
    assert actions["HeadBucket"] == "s3:ListBucket"
    assert actions["GetObjectTagging"] == "s3:GetObjectTagging"
    assert {rule.operation for rule in s3_rules()} >= actions.keys()
