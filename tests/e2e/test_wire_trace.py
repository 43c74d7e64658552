"""The one request of the original console that was ever recorded, sent by a plain HTTP client, signed anew."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from raw_client import RawClient

from service.music.midi import read_midi
from service.samples import melody_midi

RECORDED_HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "DeepComposer.CreateComposition",
}
RECORDED_BODY = {
    "inputMidi": base64.b64encode(melody_midi("ode-to-joy")).decode("ascii"),
    "modelId": "ar-cnn-bach",
    "name": "My composition",
    "modelType": "SAMPLE",
    "inputMidiSource": "VIRTUAL",
    "inferenceHyperParameters": {
        "maxPercentageOfInitialNotesRemoved": 100,
        "maxNotesAdded": 500,
        "samplingIterations": 100,
        "temperature": 1,
    },
}
OTHER_RECORDED_MODELS = ["genre-rock-1", "genre-pop-1", "genre-jazz-1", "genre-symphony-1", "genre-joco-1"]


@pytest.fixture(params=[None, "deepcomposer.us-east-1.amazonaws.com"], ids=["own-host", "redirected"])
def client(served_cloud: Any, request: pytest.FixtureRequest) -> Iterator[RawClient]:
    account = served_cloud.account
    raw = RawClient(served_cloud.endpoint, account.access_key_id, account.secret_access_key, host=request.param)
    yield raw
    raw.close()


def test_the_recorded_request_composes_music(client: RawClient) -> None:
    answer = client.send("POST", "/compositions", json.dumps(RECORDED_BODY).encode(), headers=RECORDED_HEADERS)
    assert answer.status == 200, answer.content
    composition = answer.json["composition"]
    deadline = time.monotonic() + 120  # the first composition may wait for a worker to load its model
    while composition["status"] == "IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.2)
        composition = client.send("GET", f"/compositions/{composition['compositionId']}").json["composition"]
    assert composition["status"] == "COMPLETED", composition
    assert read_midi(base64.b64decode(composition["outputMidi"])).note_count > 0
    assert client.send("DELETE", f"/compositions/{composition['compositionId']}").status == 200


@pytest.mark.parametrize("model_id", OTHER_RECORDED_MODELS)
def test_a_model_that_is_not_here_is_not_found(client: RawClient, model_id: str) -> None:
    body = json.dumps(RECORDED_BODY | {"modelId": model_id}).encode()
    answer = client.send("POST", "/compositions", body, headers=RECORDED_HEADERS)
    assert (answer.status, answer.error) == (404, "ResourceNotFoundException")
    assert answer.json["resourceId"] == model_id


def test_a_body_that_is_not_the_signed_one_is_refused(client: RawClient) -> None:
    headers = RECORDED_HEADERS | {"X-Amz-Content-SHA256": "0" * 64}
    answer = client.send("POST", "/compositions", json.dumps(RECORDED_BODY).encode(), headers=headers)
    assert (answer.status, answer.error) == (403, "InvalidSignatureException")
