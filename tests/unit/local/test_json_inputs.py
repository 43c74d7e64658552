import json
from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.model import OperationModel, ServiceModel

from infra.local.json_inputs import InputError, check_input


def operation(service: str, name: str) -> OperationModel:
    return ServiceModel(create_loader().load_service_model(service, "service-2"), service).operation_model(name)


PUT_ITEM = operation("dynamodb", "PutItem")
PUT_LOG_EVENTS = operation("logs", "PutLogEvents")
SCAN = operation("dynamodb", "Scan")
GET_LOG_EVENTS = operation("logs", "GetLogEvents")
ENCRYPT = operation("kms", "Encrypt")
CREATE_KEY = operation("kms", "CreateKey")

ITEM = {"pk": {"S": "a"}, "n": {"N": "1"}, "b": {"B": "AAE="}, "m": {"M": {"x": {"L": [{"NULL": True}]}}}}


@pytest.mark.parametrize(
    ("asked", "members"),
    [
        (PUT_ITEM, {"TableName": "t", "Item": ITEM}),
        (PUT_ITEM, {"TableName": "t", "Item": ITEM, "ConditionExpression": None, "OfTomorrow": 1}),
        (ENCRYPT, {"KeyId": "k", "Plaintext": "AAE=", "EncryptionContext": {"a": "b"}}),
        (
            PUT_LOG_EVENTS,
            {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]},
        ),
    ],
)
def test_what_an_sdk_sends_is_accepted(asked: OperationModel, members: dict[str, Any]) -> None:
    check_input(asked, json.dumps(members).encode())


def test_an_empty_body_is_an_object_without_members() -> None:
    check_input(CREATE_KEY, b"")


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InputError) as caught:
        check_input(PUT_ITEM, body)
    assert caught.value.code == "SerializationException"


@pytest.mark.parametrize(
    ("asked", "members", "code", "message"),
    [
        (PUT_ITEM, {}, "ValidationException", "'TableName' failed"),
        (PUT_ITEM, {"TableName": "t", "Item": None}, "ValidationException", "'Item' failed"),
        (PUT_ITEM, {"TableName": 1, "Item": {}}, "SerializationException", "TableName: must be a string"),
        (PUT_ITEM, {"TableName": "t", "Item": {"pk": "a"}}, "SerializationException", "Item.pk: must be an object"),
        (PUT_ITEM, {"TableName": "t", "Item": {"pk": {"Q": "a"}}}, "ValidationException", "Item.pk: a supplied"),
        (PUT_ITEM, {"TableName": "t", "Item": {"b": {"B": "?"}}}, "SerializationException", "Item.b.B: must be base64"),
        (ENCRYPT, {"KeyId": "k", "Plaintext": True}, "SerializationException", "Plaintext: must be base64"),
        (PUT_LOG_EVENTS, {"logGroupName": "g"}, "InvalidParameterException", "'logStreamName' failed"),
        (
            SCAN,
            {"TableName": "t", "Limit": 0},
            "ValidationException",
            "Value '0' at 'Limit' .* greater than or equal to 1",
        ),
        (SCAN, {"TableName": "t", "Limit": 1 << 31}, "SerializationException", "Limit: must be a whole number of this"),
        (SCAN, {"TableName": "t", "Segment": -1}, "ValidationException", "Value '-1' at 'Segment'"),
        (SCAN, {"TableName": "t", "TotalSegments": 1_000_001}, "ValidationException", "less than or equal to 1000000"),
        (
            GET_LOG_EVENTS,
            {"logStreamName": "s", "limit": -1},
            "InvalidParameterException",
            "Value '-1' at 'limit'",
        ),
        (GET_LOG_EVENTS, {"logStreamName": "s", "startTime": 1 << 70}, "SerializationException", "startTime: must be"),
    ],
)
def test_a_refusal_names_the_member_and_the_rule(
    asked: OperationModel, members: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check_input(asked, json.dumps(members).encode())
    assert caught.value.code == code


@pytest.mark.parametrize("number", ["1_000", "\u0661", "", " 1", "1 ", "NaN", "Infinity", "0x1", "1e", ".", "--1"])
def test_what_only_python_takes_for_a_number_is_none(number: str) -> None:
    with pytest.raises(InputError, match="cannot be converted to a numeric value"):
        check_input(PUT_ITEM, json.dumps({"TableName": "t", "Item": {"n": {"N": number}}}).encode())


@pytest.mark.parametrize("number", ["1", "-1", "+1", "1.", ".5", "-0.5e-10", "1E+125", "007"])
def test_numbers_may_be_written_in_many_ways(number: str) -> None:
    check_input(PUT_ITEM, json.dumps({"TableName": "t", "Item": {"n": {"N": number}}}).encode())


def test_a_document_without_end_is_refused() -> None:
    value: dict[str, Any] = {"S": "a"}
    for _ in range(200):
        value = {"L": [value]}
    with pytest.raises(InputError, match="nested too deeply"):
        check_input(PUT_ITEM, json.dumps({"TableName": "t", "Item": {"pk": value}}).encode())
