"""The API in boto3's eyes: an ordinary client, built from the generated model, against a running server."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, WaiterError

from service.music.midi import read_midi
from service.samples import melody_midi, sample_melodies

ODE = {"name": "Ode", "modelId": "ar-cnn-bach", "modelType": "SAMPLE"}
QUICK = {"samplingIterations": 5}


@pytest.fixture(scope="module")
def client(served_cloud: Any) -> Any:
    return served_cloud.client("deepcomposer")


@pytest.fixture
def compose(client: Any) -> Iterator[Callable[..., Any]]:
    """Creates compositions that are deleted after the test."""
    made: list[str] = []

    def create(**parameters: Any) -> Any:
        given = {"sampleMelodyId": "ode-to-joy", "inferenceHyperParameters": QUICK} | ODE | parameters
        if "inputMidi" in parameters or "parentCompositionId" in parameters:
            del given["sampleMelodyId"]
        composition = client.create_composition(**given)["composition"]
        made.append(composition["compositionId"])
        return composition

    yield create
    for composition_id in made:
        try:
            client.delete_composition(compositionId=composition_id)
        except client.exceptions.ResourceNotFoundException:
            continue


@pytest.fixture(scope="module")
def finished(client: Any) -> Iterator[Any]:
    """One composition that is COMPLETED."""
    created = client.create_composition(sampleMelodyId="ode-to-joy", tags=[{"key": "a", "value": "1"}], **ODE)
    composition_id = created["composition"]["compositionId"]
    client.get_waiter("composition_completed").wait(compositionId=composition_id)
    yield client.get_composition(compositionId=composition_id)["composition"]
    client.delete_composition(compositionId=composition_id)


def test_a_finished_composition_has_music_figures_and_parameters(finished: Any) -> None:
    assert finished["status"] == "COMPLETED"
    assert read_midi(finished["outputMidi"]).note_count == sum(track["noteCount"] for track in finished["tracks"])
    assert finished["inferenceHyperParameters"]["samplingIterations"] == 100
    assert isinstance(finished["inferenceHyperParameters"]["seed"], int)
    assert finished["metrics"]["pitchesUsed"] > 0
    assert finished["revision"] == finished["latestRevision"] == 1
    assert finished["tags"] == [{"key": "a", "value": "1"}]


def test_timestamps_arrive_as_moments(finished: Any) -> None:
    now = datetime.now(UTC)
    assert now - timedelta(hours=1) < finished["createdAt"] <= finished["updatedAt"] < now + timedelta(seconds=1)
    assert now < finished["downloads"]["expiresAt"] < now + timedelta(minutes=16)


def test_the_download_urls_need_no_credentials(finished: Any) -> None:
    with urllib.request.urlopen(finished["downloads"]["outputMidiUrl"]) as download:
        assert download.read() == finished["outputMidi"]
    with urllib.request.urlopen(finished["downloads"]["inputMidiUrl"]) as download:
        assert download.read() == melody_midi("ode-to-joy")


def test_the_music_can_be_left_out(client: Any, finished: Any) -> None:
    answer = client.get_composition(compositionId=finished["compositionId"], includeOutputMidi=False)
    assert "outputMidi" not in answer["composition"]


def test_own_midi_is_a_blob(compose: Callable[..., Any]) -> None:
    assert compose(inputMidi=melody_midi("ode-to-joy"), inputMidiSource="VIRTUAL")["inputMidiSource"] == "VIRTUAL"


def test_edits_make_a_new_revision_and_leave_the_old_one_readable(client: Any, finished: Any) -> None:
    composition_id = finished["compositionId"]
    updated = client.update_composition(
        compositionId=composition_id,
        name="Ode, slower",
        edits=[{"op": "SET_TEMPO", "tempo": 60}, {"op": "TRANSPOSE", "semitones": 2}],
        expectedRevision=1,
    )["composition"]
    assert (updated["name"], updated["revision"], updated["tempo"]) == ("Ode, slower", 2, 60)
    first = client.get_composition(compositionId=composition_id, revision=1)["composition"]
    assert (first["revision"], first["latestRevision"], first["tempo"]) == (1, 2, finished["tempo"])
    assert first["outputMidi"] == finished["outputMidi"]
    with pytest.raises(client.exceptions.ConflictException) as conflict:
        client.update_composition(compositionId=composition_id, name="late", expectedRevision=1)
    assert conflict.value.response["resourceId"] == composition_id


def test_a_wrong_edit_is_told_by_its_place_in_the_request(client: Any, finished: Any) -> None:
    edits = [
        {"op": "TRANSPOSE", "semitones": 1},
        {"op": "MOVE_NOTE", "track": 0, "start": 1, "pitch": 3, "newStart": 2},
    ]
    with pytest.raises(client.exceptions.ValidationException) as refused:
        client.update_composition(compositionId=finished["compositionId"], edits=edits)
    assert refused.value.response["fieldList"][0]["name"].startswith("edits.1")


def test_exceptions_are_typed_and_carry_their_members(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
        client.get_composition(compositionId="01h0000000000000000000000a")
    response = missing.value.response
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    assert (response["resourceId"], response["resourceType"]) == ("01h0000000000000000000000a", "composition")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert len(response["ResponseMetadata"]["RequestId"]) == 36


def test_validation_names_every_field(client: Any) -> None:
    with pytest.raises(client.exceptions.ValidationException) as refused:
        client.create_composition(name="x" * 129, modelId="a/b", sampleMelodyId="ode-to-joy")
    assert [field["name"] for field in refused.value.response["fieldList"]] == ["name", "modelId"]
    assert "2 validation errors detected" in str(refused.value)


def test_what_the_model_requires_botocore_asks_for(client: Any) -> None:
    with pytest.raises(ParamValidationError, match="name"):
        client.create_composition(modelId="ar-cnn-bach")


def test_the_same_token_gives_the_same_composition(client: Any, compose: Callable[..., Any]) -> None:
    first = compose(clientRequestToken="once")
    again = compose(clientRequestToken="once")
    assert again["compositionId"] == first["compositionId"]
    with pytest.raises(client.exceptions.ConflictException):
        compose(clientRequestToken="once", name="Another")


def test_without_a_token_boto3_gives_one_of_its_own(compose: Callable[..., Any]) -> None:
    assert compose()["compositionId"] != compose()["compositionId"]


def test_pages_hold_every_composition_once_newest_first(client: Any, compose: Callable[..., Any]) -> None:
    made = [compose(name=f"page {number}")["compositionId"] for number in range(5)]
    pages = list(client.get_paginator("list_compositions").paginate(PaginationConfig={"PageSize": 2}))
    listed = [summary["compositionId"] for page in pages for summary in page["compositions"]]
    assert len(listed) == len(set(listed))
    assert [composition_id for composition_id in listed if composition_id in made] == made[::-1]
    assert all(len(page["compositions"]) <= 2 for page in pages)


def test_sample_melodies_can_be_paged(client: Any) -> None:
    pages = client.get_paginator("list_sample_melodies").paginate(PaginationConfig={"PageSize": 3})
    listed = [melody["sampleMelodyId"] for melody in pages.build_full_result()["melodies"]]
    assert listed == [melody.id for melody in sample_melodies()]


def test_sample_melodies_come_as_midi_when_asked_for(client: Any) -> None:
    assert all("midi" not in melody for melody in client.list_sample_melodies()["melodies"])
    given = client.list_sample_melodies(includeMidi=True)["melodies"]
    assert {melody["sampleMelodyId"]: melody["midi"] for melody in given} == {
        melody.id: melody_midi(melody.id) for melody in sample_melodies()
    }


def test_a_sample_model_tells_how_it_came_to_be(client: Any) -> None:
    model = client.get_sample_model(modelId="ar-cnn-bach")["model"]
    assert model["algorithm"] == "AR-CNN"
    assert model["createdAt"].tzinfo is not None
    (added,) = (row for row in model["inferenceHyperParameters"] if row["name"] == "maxNotesAdded")
    assert (added["type"], added["minimum"], added["maximum"], added["default"]) == ("INTEGER", 50, 1000, 500)
    assert client.list_sample_models()["models"][0]["modelId"] == "ar-cnn-bach"


def test_tags_are_kept_as_they_are_given(client: Any, finished: Any) -> None:
    arn = finished["compositionArn"]
    tags = [
        {"key": "Project", "value": "über/1=2"},
        {"key": "project", "value": ""},
        {"key": "a b:c@"[:-1], "value": " x "},
    ]
    client.tag_resource(resourceArn=arn, tags=tags)
    listed = client.list_tags_for_resource(resourceArn=arn)["tags"]
    assert all(tag in listed for tag in tags)
    client.untag_resource(resourceArn=arn, tagKeys=["Project", "a b:c", "absent"])
    left = {tag["key"] for tag in client.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert {"project"} <= left
    assert not {"Project", "a b:c"} & left


def test_the_waiter_fails_when_the_composition_is_gone(client: Any) -> None:
    waiter = client.get_waiter("composition_completed")
    with pytest.raises(WaiterError, match="ResourceNotFoundException"):
        waiter.wait(compositionId="01h0000000000000000000000a", WaiterConfig={"Delay": 1, "MaxAttempts": 2})


def test_audio_can_be_waited_for_and_downloaded(client: Any, finished: Any) -> None:
    composition_id = finished["compositionId"]
    audio = client.create_audio(compositionId=composition_id, format="WAV", revision=1)["audio"]
    assert audio["audioArn"].endswith(f":audio/{audio['audioId']}")
    client.get_waiter("audio_completed").wait(compositionId=composition_id, revision=1)
    described = client.get_composition(compositionId=composition_id, revision=1)["composition"]["audios"]
    (rendered,) = [entry for entry in described if entry["audioId"] == audio["audioId"]]
    with urllib.request.urlopen(rendered["url"]) as download:
        sound = download.read()
    assert sound[:4] == b"RIFF"
    assert len(sound) == rendered["sizeBytes"]
    assert rendered["soundFont"]


def test_a_deleted_composition_is_gone_with_its_downloads(client: Any, compose: Callable[..., Any]) -> None:
    composition = compose()
    composition_id = composition["compositionId"]
    client.get_waiter("composition_completed").wait(compositionId=composition_id)
    urls = client.get_composition(compositionId=composition_id)["composition"]["downloads"]
    client.delete_composition(compositionId=composition_id)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_composition(compositionId=composition_id)
    for url in (urls["inputMidiUrl"], urls["outputMidiUrl"]):
        with pytest.raises(urllib.error.HTTPError) as gone:
            urllib.request.urlopen(url)
        assert gone.value.code == 404


def test_a_keyboard_is_registered_once_and_for_all(client: Any) -> None:
    first = client.associate_coupon(serialNumber="ABCD1234EFGH5678")
    assert client.associate_coupon(serialNumber="ABCD1234EFGH5678")["associatedAt"] == first["associatedAt"]


def test_an_iam_user_without_policies_is_denied(served_cloud: Any) -> None:
    iam = served_cloud.client("iam")
    iam.create_user(UserName="api-test-user")
    key = iam.create_access_key(UserName="api-test-user")["AccessKey"]
    session = served_cloud.session(access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    user = served_cloud.client("deepcomposer", session=session)
    with pytest.raises(user.exceptions.AccessDeniedException, match="user/api-test-user is not authorized to perform"):
        user.list_compositions()


def test_a_wrong_secret_is_a_wrong_signature(served_cloud: Any) -> None:
    session = served_cloud.session(secret="x" * 40)
    with pytest.raises(ClientError) as refused:
        served_cloud.client("deepcomposer", session=session).list_compositions()
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_a_presigned_request_needs_no_headers(client: Any) -> None:
    url = client.generate_presigned_url("list_sample_melodies", Params={"maxResults": 2}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert len(json.load(answer)["melodies"]) == 2
    with pytest.raises(urllib.error.HTTPError) as changed:
        urllib.request.urlopen(url.replace("maxResults=2", "maxResults=3"))
    assert changed.value.headers["x-amzn-ErrorType"] == "InvalidSignatureException"
