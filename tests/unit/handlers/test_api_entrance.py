"""Recorded shapes of API Gateway events, REST API (v1) and HTTP API (v2), through the Lambda entrance."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from api_driver import ACCOUNT, COMPOSITION_ARN, COMPOSITION_ID, ROOT, ApiDriver, LibraryDouble

from handlers.api import caller_in, entrance, without_stage
from service.caller import PrincipalType

EVENTS = Path(__file__).parent / "events"


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded


class Lambda:
    """The entrance over a library double."""

    def __init__(self) -> None:
        self.library = LibraryDouble()
        self.driver = ApiDriver(self.library)
        self.handler = entrance(self.driver.app)

    def send(self, name: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.handler(event(name), None)
        return answer


@pytest.fixture
def function() -> Lambda:
    return Lambda()


def header(answer: Mapping[str, Any], name: str) -> str | None:
    found = {key.lower(): value for key, value in answer["headers"].items()}
    return found.get(name)


@pytest.mark.parametrize("name", ["rest_create", "rest_create_base64", "http_create", "http_create_base64"])
def test_a_composition_is_created_whatever_the_form_of_the_event(name: str) -> None:
    function = Lambda()
    function.driver.app.state.authorizer = lambda caller, access: None
    answer = function.send(name)
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["composition"]["compositionId"] == COMPOSITION_ID
    operation, (caller, new), _ = function.library.calls[0]
    assert (operation, new.name) == ("create_composition", "Ode")
    assert caller.account == ACCOUNT


@pytest.mark.parametrize("name", ["rest_tags_encoded_arn", "rest_tags_decoded_arn", "http_tags_encoded_arn_in_a_stage"])
def test_an_arn_in_the_path_arrives_whole(function: Lambda, name: str) -> None:
    answer = function.send(name)
    assert answer["statusCode"] == 200
    operation, (_, arn), _ = function.library.calls[0]
    assert (operation, str(arn)) == ("list_tags", COMPOSITION_ARN)


@pytest.mark.parametrize("name", ["rest_untag_repeated_keys", "http_untag_repeated_keys"])
def test_query_keys_that_repeat_all_arrive(function: Lambda, name: str) -> None:
    assert function.send(name)["statusCode"] == 200
    assert function.library.calls[0][1][2] == ("a", "b c/d&e")


def test_headers_that_repeat_do_no_harm(function: Lambda) -> None:
    assert function.send("rest_repeated_headers")["statusCode"] == 200
    assert function.library.calls[0][2]["include_output_midi"] is False


@pytest.mark.parametrize("name", ["rest_no_identity", "http_no_identity", "http_forged_identity_header"])
def test_a_request_that_nobody_signed_is_refused(function: Lambda, name: str) -> None:
    answer = function.send(name)
    assert answer["statusCode"] == 403
    assert header(answer, "x-amzn-errortype") == "MissingAuthenticationTokenException"
    assert function.library.calls == []


def test_who_api_gateway_names_is_who_is_authorized(function: Lambda) -> None:
    answer = function.send("http_user")
    assert answer["statusCode"] == 403
    assert f"User: arn:aws:iam::{ACCOUNT}:user/ana is not authorized" in json.loads(answer["body"])["message"]


def test_an_http_api_may_use_the_older_payload_format(function: Lambda) -> None:
    assert function.send("http_format_1")["statusCode"] == 200


def test_the_request_id_is_that_of_api_gateway(function: Lambda) -> None:
    answer = function.send("http_create")
    assert header(answer, "x-amzn-requestid") == event("http_create")["requestContext"]["requestId"]


def test_a_path_without_operation_is_told_apart_from_a_lost_stage(function: Lambda) -> None:
    lost = event("http_create") | {"rawPath": "/nowhere"}
    lost["requestContext"]["http"]["path"] = "/nowhere"
    assert header(function.handler(lost, None), "x-amzn-errortype") == "UnknownOperationException"


def test_an_error_s_body_is_text_not_base64(function: Lambda) -> None:
    broken = event("http_create") | {"body": base64.b64encode(b"{").decode(), "isBase64Encoded": True}
    answer = function.handler(broken, None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (400, False)
    assert header(answer, "x-amzn-errortype") == "SerializationException"


@pytest.mark.parametrize(
    ("arn", "user_id", "type_"),
    [
        (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, PrincipalType.ROOT),
        (f"arn:aws:iam::{ACCOUNT}:user/ana", "AIDAX", PrincipalType.USER),
        (f"arn:aws:iam::{ACCOUNT}:user/root", "AIDAX", PrincipalType.USER),
        (f"arn:aws:iam::{ACCOUNT}:user/team/ana", "AIDAX", PrincipalType.USER),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Composer/ana", "AROAX:ana", PrincipalType.ASSUMED_ROLE),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/ana", f"{ACCOUNT}:ana", PrincipalType.FEDERATED_USER),
        ("arn:aws-cn:iam::123456789012:root", ACCOUNT, PrincipalType.ROOT),
    ],
)
def test_the_kind_of_principal_is_told_by_its_arn(arn: str, user_id: str, type_: PrincipalType) -> None:
    identity = {"userArn": arn, "accountId": ACCOUNT, "accessKey": "AKIAX"}
    for context in (
        {"identity": identity | {"caller": user_id}},
        {"authorizer": {"iam": identity | {"callerId": user_id}}},
    ):
        caller = caller_in(context)
        assert caller is not None
        assert (caller.account, caller.arn, caller.user_id, caller.type) == (ACCOUNT, arn, user_id, type_)


@pytest.mark.parametrize("missing", ["userArn", "accountId", "caller"])
def test_half_an_identity_is_none(missing: str) -> None:
    identity = {"userArn": ROOT.arn, "accountId": ACCOUNT, "caller": ACCOUNT, "accessKey": "AKIAX"}
    assert caller_in({"identity": identity | {missing: None}}) is None
    assert caller_in({"identity": identity | {"userArn": f"arn:aws:iam::{ACCOUNT}:rooted"}}) is None


@pytest.mark.parametrize(
    ("path", "context", "expected"),
    [
        ("/prod/compositions", {"stage": "prod", "http": {}}, "/compositions"),
        ("/prod/compositions", {"stage": "prod"}, "/prod/compositions"),
        ("/production", {"stage": "prod", "http": {}}, "/production"),
        ("/compositions", {"stage": "$default", "http": {}}, "/compositions"),
    ],
)
def test_the_stage_is_no_part_of_the_path(path: str, context: dict[str, Any], expected: str) -> None:
    assert without_stage(path, context) == expected
