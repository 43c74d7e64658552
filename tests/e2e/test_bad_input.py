"""Bad input against a running server: each answered with a specific 4xx, its field named, and nothing left behind."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from bad_requests import bad_requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_client import RawClient

NEW = {"name": "Ode", "modelId": "ar-cnn-bach", "sampleMelodyId": "ode-to-joy"}
NO_SUCH_ID = "01h0000000000000000000000a"


@pytest.fixture(scope="module")
def client(served_cloud: Any) -> Iterator[RawClient]:
    account = served_cloud.account
    raw = RawClient(served_cloud.endpoint, account.access_key_id, account.secret_access_key)
    yield raw
    raw.close()


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(served_cloud: Any) -> Iterator[None]:
    before = everything(served_cloud)
    yield
    assert everything(served_cloud) == before


def everything(cloud: Any) -> tuple[set[str], set[str]]:
    """All objects and all items of the account, by key."""
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
    objects = {
        f"{bucket['Name']}/{entry['Key']}"
        for bucket in s3.list_buckets()["Buckets"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
        for entry in page.get("Contents", [])
    }
    items = {
        f"{table}/{item['pk']['S']}/{item['sk']['S']}"
        for table in dynamodb.list_tables()["TableNames"]
        for page in dynamodb.get_paginator("scan").paginate(TableName=table)
        for item in page["Items"]
        if "secret" not in item["pk"]["S"]  # the key that page tokens are sealed with is made when first needed
    }
    return objects, items


def test_each_wrong_value_of_each_field_is_refused_by_name(client: RawClient) -> None:
    for request in bad_requests():
        body = b"" if request.body is None else json.dumps(request.body).encode()
        answer = client.send(request.method, request.path, body, query=request.query)
        assert answer.status == 400, f"{request}: {answer.content!r}"
        assert answer.error == "ValidationException", str(request)
        assert answer.fields == [request.field], str(request)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">I", len(content)) + content


def midi(*tracks: bytes, division: int = 480) -> bytes:
    header = chunk(b"MThd", struct.pack(">HHH", 1 if len(tracks) != 1 else 0, len(tracks), division))
    return header + b"".join(chunk(b"MTrk", track) for track in tracks)


END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x50\x60\x80\x3c\x00"
LONGEST_WAIT = b"\xff\xff\xff\x7f"

BAD_MIDI = {
    "not MIDI": b"RIFF....WAVE",
    "text": b"c d e f",
    "one byte": b"M",
    "only a header": midi(),
    "no notes": midi(END),
    "10,241 bytes": midi(NOTE + END).ljust(10_241, b"\x00"),
    "cut short": midi(NOTE + END)[:-5],
    "a track that claims four gigabytes": midi(NOTE + END)[:18] + b"\xff\xff\xff\xff" + NOTE + END,
    "endless tracks": midi(*[b""] * 1100),
    "huge deltas": midi((LONGEST_WAIT + NOTE[1:5] + LONGEST_WAIT + NOTE[5:]) * 200 + END, division=1),
    "film frames": midi(NOTE + END, division=0xE728),
    "no ticks to a beat": midi(NOTE + END, division=0),
    "a track that ends inside an event": midi(b"\x00\x90"),
}


@pytest.mark.parametrize("data", BAD_MIDI.values(), ids=BAD_MIDI.keys())
def test_what_is_not_usable_midi_is_refused(client: RawClient, data: bytes) -> None:
    body = {"name": "x", "modelId": "ar-cnn-bach", "inputMidi": base64.b64encode(data).decode()}
    answer = client.send("POST", "/compositions", json.dumps(body).encode())
    assert (answer.status, answer.error) == (400, "ValidationException"), answer.content
    assert answer.fields == ["inputMidi"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=200), st.sampled_from([480, 1, 0x7FFF]))
def test_no_midi_bytes_make_the_service_fail(client: RawClient, track: bytes, division: int) -> None:
    data = midi(track, division=division)
    # a melody that does not exist beside it: nothing is composed even when the bytes happen to be music
    body = {"name": "x", "modelId": "genre-rock-1", "inputMidi": base64.b64encode(data).decode()}
    assert client.send("POST", "/compositions", json.dumps(body).encode()).status in (400, 404)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000])
def test_numbers_that_json_or_a_double_does_not_have_are_refused(client: RawClient, number: str) -> None:
    body = json.dumps(NEW)[:-1] + ', "inferenceHyperParameters": {"temperature": ' + number + "}}"
    answer = client.send("POST", "/compositions", body.encode())
    assert (answer.status, answer.error) == (400, "SerializationException")


INVALID = (400, "ValidationException")
NOT_FOUND = (404, "ResourceNotFoundException")
DENIED = (403, "AccessDeniedException")

FOREIGN_ARNS = {
    "another account": ("arn:aws:deepcomposer:us-east-1:210987654321:composition/" + NO_SUCH_ID, DENIED),
    "another region": ("arn:aws:deepcomposer:eu-west-1:{account}:composition/" + NO_SUCH_ID, NOT_FOUND),
    "nothing there": ("arn:aws:deepcomposer:us-east-1:{account}:composition/" + NO_SUCH_ID, NOT_FOUND),
    "audio has no tags": ("arn:aws:deepcomposer:us-east-1:{account}:audio/" + NO_SUCH_ID, INVALID),
    "another service": ("arn:aws:s3:::bucket", INVALID),
    "another partition": ("arn:aws-cn:deepcomposer:us-east-1:{account}:composition/" + NO_SUCH_ID, INVALID),
}


@pytest.mark.parametrize(("arn", "refusal"), FOREIGN_ARNS.values(), ids=FOREIGN_ARNS.keys())
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_foreign_arns_are_refused(
    client: RawClient, served_cloud: Any, method: str, arn: str, refusal: tuple[int, str]
) -> None:
    path = "/tags/" + arn.format(account=served_cloud.account.id).replace("/", "%2F").replace(":", "%3A")
    body = b'{"tags": [{"key": "a", "value": ""}]}' if method == "POST" else b""
    answer = client.send(method, path, body, query="tagKeys=a" if method == "DELETE" else "")
    assert (answer.status, answer.error) == refusal


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/compositions/{NO_SUCH_ID}", {}),
        ("PATCH", f"/compositions/{NO_SUCH_ID}", {"name": "x"}),
        ("PATCH", f"/compositions/{NO_SUCH_ID}", {"edits": [{"op": "TRANSPOSE", "semitones": 1}]}),
        ("DELETE", f"/compositions/{NO_SUCH_ID}", {}),
        ("POST", "/audios", {"compositionId": NO_SUCH_ID}),
        ("POST", "/compositions", {"name": "x", "modelId": "ar-cnn-bach", "parentCompositionId": NO_SUCH_ID}),
        ("POST", "/compositions", {"name": "x", "modelId": "ar-cnn-bach", "sampleMelodyId": "no-such-melody"}),
        ("POST", "/compositions", NEW | {"modelId": "no-such-model"}),
        ("POST", "/compositions", NEW | {"modelType": "CUSTOM"}),
        ("GET", "/sample-models/no-such-model", {}),
    ],
)
def test_what_does_not_exist_is_not_found(client: RawClient, method: str, path: str, body: dict[str, Any]) -> None:
    answer = client.send(method, path, json.dumps(body).encode() if body else b"")
    assert (answer.status, answer.error) == (404, "ResourceNotFoundException"), answer.content
    assert answer.json["resourceId"]


PATH_TRICKS = [
    "/compositions/..%2F..%2Fetc%2Fpasswd",
    "/compositions/%2e%2e/%2e%2e/account.json",
    "/compositions/%00",
    "/compositions/%0A",
    f"/compositions/{NO_SUCH_ID}%0A",
    f"/compositions/{NO_SUCH_ID}/",
    f"/compositions/{NO_SUCH_ID}%2F..%2F{NO_SUCH_ID}",
    f"/compositions/{NO_SUCH_ID.upper()}",
    "/compositions/%FF%FE",
    "/compositions/%25",
    "/compositions/%",
    "/compositions/*",
    "/tags/..%2F..%2Fcompositions",
    "/tags/",
    "/sample-models/..%2Far-cnn-bach%2Fcard.json",
    "/sample-models/%2e",
    "/sample-models//etc/passwd",
    "/nowhere",
    "/" + "a" * 5000,
]


@pytest.mark.parametrize("path", PATH_TRICKS, ids=lambda path: path[:60])
def test_tricks_with_paths_lead_nowhere(client: RawClient, path: str) -> None:
    answer = client.send("GET", path)
    assert answer.status in (400, 403, 404), answer.content
    assert answer.error in (
        "ValidationException",
        "ResourceNotFoundException",
        "UnknownOperationException",
        "InvalidSignatureException",
    )


def test_a_body_that_is_too_large_is_refused(client: RawClient) -> None:
    answer = client.send("POST", "/compositions", b'{"name": "' + b"x" * 1_200_000 + b'"}')
    assert (answer.status, answer.error) == (413, "RequestEntityTooLargeException")


def test_a_forged_page_token_is_refused(client: RawClient) -> None:
    assert client.send("GET", "/compositions", query="nextToken=MDFoMDAwMDA").fields == ["nextToken"]
