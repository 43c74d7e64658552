"""AWS's rest-json protocol at the edge: bodies, errors, ids, and what JSON leaves open.

The malformed values are those that AWS's Smithy protocol tests for restJson1 name. Where those tests expect a
SerializationException for a member of the wrong type, this API answers a ValidationException that names the member.
"""

import logging
import uuid
from typing import Any

import pytest
from api_driver import COMPOSITION_ID, NOON, ROOT, ApiDriver, LibraryDouble
from botocore.exceptions import ClientError

from service.api.wire import MAX_BODY, parse_object
from service.errors import ConflictException, SerializationException, ThrottlingException

NEW = {"name": "Ode", "modelId": "ar-cnn-bach", "sampleMelodyId": "ode-to-joy"}

NOT_AN_OBJECT = [
    b"{[",
    b'{ "name": 10 }abc',
    b'abc{ "name": 10 }',
    b'{ "name": 10 // ten\n}',
    b'{ "name": 10 /* ten */ }',
    b'{"name" :\x0c10}',
    b"{'name': 10}",
    b'{"name": 10,}',
    b'{"tags": ["a", "b" }',
    b'[{"name": 10}]',
    b"10",
    b"null",
    b'"text"',
    b"\xff\xfe{\x00}\x00",
    "\ufeff{}".encode(),
    b'{"name": NaN}',
    b'{"name": Infinity}',
    b'{"name": -Infinity}',
    b'{"name": 1e999}',
    b'{"name": 0x42}',
    b'{"name": 2ABC}',
    b'{"name": True}',
    b'{"name": "a", "name": "b"}',
    b'{"inferenceHyperParameters": {"seed": 1, "seed": 1}}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
]


@pytest.mark.parametrize("body", NOT_AN_OBJECT, ids=lambda body: repr(body[:40]))
def test_a_body_that_is_not_one_unambiguous_json_object_is_refused(api: ApiDriver, body: bytes) -> None:
    answer = api.send("POST", "/compositions", body)
    assert (answer.status, answer.error) == (400, "SerializationException")
    assert answer.json["message"]


def test_an_absent_body_is_an_empty_object(api: ApiDriver) -> None:
    answer = api.send("POST", "/compositions")
    assert answer.error == "ValidationException"
    assert answer.fields == ["name", "modelId"]


def test_a_number_without_fraction_is_whole_however_it_is_written() -> None:
    assert parse_object(b'{"a": 100.0, "b": 1e2, "c": 0.5}') == {"a": 100, "b": 100, "c": 0.5}
    assert isinstance(parse_object(b'{"a": 100.0}')["a"], int)


@pytest.mark.parametrize("content_type", ["application/x-amz-json-1.1", "text/plain", "application/json; x=y", None])
def test_the_content_type_does_not_matter(api: ApiDriver, library: LibraryDouble, content_type: str | None) -> None:
    answer = api.send("POST", "/compositions", NEW, content_type=content_type)
    assert answer.status == 200
    assert library.calls[0][0] == "create_composition"


def test_a_body_beyond_the_limit_is_refused(api: ApiDriver, library: LibraryDouble) -> None:
    answer = api.send("POST", "/compositions", b" " * (MAX_BODY + 1))
    assert (answer.status, answer.error) == (413, "RequestEntityTooLargeException")
    assert library.calls == []


def test_null_means_absent_for_optional_members_only(api: ApiDriver, library: LibraryDouble) -> None:
    assert api.send("POST", "/compositions", NEW | {"tags": None, "inputMidi": None}).status == 200
    assert api.send("POST", "/compositions", NEW | {"name": None}).fields == ["name"]


def test_answers_leave_out_what_has_no_value(api: ApiDriver) -> None:
    composition = api.send("GET", f"/compositions/{COMPOSITION_ID}").json["composition"]
    assert "parentCompositionId" not in composition
    assert None not in composition.values()


def test_timestamps_are_epoch_seconds_and_blobs_are_base64(api: ApiDriver) -> None:
    composition = api.send("GET", f"/compositions/{COMPOSITION_ID}").json["composition"]
    assert composition["createdAt"] == NOON.timestamp()
    assert composition["outputMidi"] == "TVRoZA=="


def test_every_answer_has_a_request_id(api: ApiDriver) -> None:
    for path in ("/compositions", "/nowhere", "/compositions/$"):
        uuid.UUID(api.send("GET", path).headers["x-amzn-requestid"])


def test_the_request_id_of_the_gateway_is_kept(api: ApiDriver) -> None:
    answer = api.send("GET", "/compositions", scope={"chorale.request_id": "abc-1"})
    assert answer.headers["x-amzn-requestid"] == "abc-1"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/models"), ("PUT", "/compositions"), ("DELETE", "/compositions"), ("OPTIONS", "/audios")],
)
def test_a_method_and_path_of_no_operation_is_an_unknown_operation(api: ApiDriver, method: str, path: str) -> None:
    answer = api.send(method, path)
    assert (answer.status, answer.error) == (404, "UnknownOperationException")
    assert "detail" not in answer.json


def test_a_path_that_ends_in_a_slash_is_not_redirected(api: ApiDriver) -> None:
    assert api.send("GET", "/sample-melodies/").error == "UnknownOperationException"
    assert api.send("GET", "/compositions/").fields == ["compositionId"]


def test_an_error_of_the_library_keeps_its_name_status_and_members(api: ApiDriver, library: LibraryDouble) -> None:
    library.failure = ConflictException("Changed.", resource_id="x", resource_type="composition")
    answer = api.send("DELETE", f"/compositions/{COMPOSITION_ID}")
    assert (answer.status, answer.error) == (409, "ConflictException")
    assert answer.json == {"message": "Changed.", "resourceId": "x", "resourceType": "composition"}


def test_throttling_says_when_to_try_again(api: ApiDriver, library: LibraryDouble) -> None:
    library.failure = ThrottlingException("Too many.", retry_after_seconds=3)
    answer = api.send("POST", "/compositions", NEW)
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")


def test_an_unforeseen_exception_is_logged_and_not_told(
    api: ApiDriver, library: LibraryDouble, caplog: pytest.LogCaptureFixture
) -> None:
    library.failure = RuntimeError("the password is swordfish")
    with caplog.at_level(logging.ERROR):
        answer = api.send("GET", f"/compositions/{COMPOSITION_ID}")
    assert (answer.status, answer.error) == (500, "InternalServerException")
    assert b"swordfish" not in answer.content
    assert "swordfish" in caplog.text


def test_what_aws_cannot_store_for_the_moment_may_be_tried_again(api: ApiDriver, library: LibraryDouble) -> None:
    refusal: Any = {"Error": {"Code": "ServiceUnavailable"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
    library.failure = ClientError(refusal, "PutObject")
    answer = api.send("POST", "/compositions", NEW)
    assert (answer.status, answer.error) == (503, "ServiceUnavailableException")
    refusal["ResponseMetadata"]["HTTPStatusCode"] = 400
    assert api.send("POST", "/compositions", NEW).status == 500


def test_the_parameters_of_a_presigned_url_are_not_members_of_the_request(
    api: ApiDriver, library: LibraryDouble
) -> None:
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&includeOutputMidi=false&X-Amz-Signature=00&x-amz-date=1"
    assert api.send("GET", f"/compositions/{COMPOSITION_ID}", query=query).status == 200
    assert library.calls[0][2]["include_output_midi"] is False


def test_a_parameter_given_twice_is_refused(api: ApiDriver) -> None:
    answer = api.send("GET", "/compositions", query="maxResults=1&maxResults=2")
    assert answer.fields == ["maxResults"]


YAML_BOOLEANS = ["True", "TRUE", "y", "Y", "yes", "Yes", "YES", "1", "on", "On", "ON", "0", "off", "no", "n", "t"]


@pytest.mark.parametrize("text", YAML_BOOLEANS)
def test_a_boolean_in_a_query_is_true_or_false(api: ApiDriver, text: str) -> None:
    answer = api.send("GET", f"/compositions/{COMPOSITION_ID}", query=f"includeOutputMidi={text}")
    assert answer.fields == ["includeOutputMidi"]


@pytest.mark.parametrize(
    "text", ["true", "1.001", "2ABC", "0x42", "Infinity", "-Infinity", "NaN", "", "9223372000000000000", "-5"]
)
def test_a_number_in_a_query_is_a_whole_number_within_its_bounds(api: ApiDriver, text: str) -> None:
    assert api.send("GET", "/compositions", query=f"maxResults={text}").fields == ["maxResults"]


@pytest.mark.parametrize(
    "value", ["123", True, 1.001, "Infinity", [], {}, 123000000000000000000000, -9223372000000000000]
)
def test_a_whole_number_is_not_coerced_from_anything_else(api: ApiDriver, value: object) -> None:
    answer = api.send("POST", "/compositions", NEW | {"inferenceHyperParameters": {"maxNotesAdded": value}})
    assert answer.fields == ["inferenceHyperParameters.maxNotesAdded"]


@pytest.mark.parametrize(
    "value", ["xyz", "YmxvYg=", [98, 108], 981081198, True, "-_==", "YmxvYg==\n", " YmxvYg==", "é"]
)
def test_a_blob_is_strict_base64(api: ApiDriver, value: object) -> None:
    answer = api.send("POST", "/compositions", {"name": "x", "modelId": "m", "inputMidi": value})
    assert answer.fields == ["inputMidi"]


def test_a_null_in_a_list_is_refused(api: ApiDriver) -> None:
    assert api.send("POST", "/compositions", NEW | {"tags": [None]}).fields == ["tags.0"]


def test_text_that_utf_8_cannot_carry_is_refused_and_can_still_be_quoted(api: ApiDriver) -> None:
    assert api.send("POST", "/compositions", NEW | {"name": "\ud800"}).fields == ["name"]
    assert api.send("POST", "/compositions", NEW | {"\ud800": 1}).error == "ValidationException"


def test_a_flood_of_unknown_members_gets_a_short_answer(api: ApiDriver) -> None:
    answer = api.send("POST", "/compositions", {f"member{n}": n for n in range(99)} | {"x" * 100_000: 1})
    assert len(answer.json["fieldList"]) == 50
    assert len(answer.content) < 20_000


def test_an_object_with_more_members_than_any_shape_is_not_looked_into(api: ApiDriver) -> None:
    answer = api.send("POST", "/compositions", {f"member{n}": n for n in range(40_000)})
    assert answer.error == "SerializationException"


def test_a_long_query_of_unknown_parameters_is_refused(api: ApiDriver) -> None:
    answer = api.send("GET", "/compositions", query="&".join(f"a{n}=1" for n in range(8000)))
    assert answer.fields == [f"a{n}" for n in range(50)]


def test_members_have_no_second_name_in_snake_case(api: ApiDriver) -> None:
    assert "model_id" in api.send("POST", "/compositions", {"name": "x", "model_id": "m"}).fields


def test_the_caller_reaches_the_library(api: ApiDriver, library: LibraryDouble) -> None:
    api.send("GET", f"/compositions/{COMPOSITION_ID}")
    assert library.calls[0][1] == (ROOT, COMPOSITION_ID)


def test_parsing_reports_where_json_is_broken() -> None:
    with pytest.raises(SerializationException, match="at character 11"):
        parse_object(b'{"name":"x"')
