"""Tags, samples and keyboards at the edge."""

from urllib.parse import quote

import pytest
from api_driver import ACCOUNT, COMPOSITION_ARN, NOON, ApiDriver, LibraryDouble

from service.api.samples import _figures
from service.resources import Arn
from service.samples import sample_melodies, sample_models


def test_tags_are_set_on_the_resource_in_the_path(api: ApiDriver, library: LibraryDouble) -> None:
    answer = api.send("POST", f"/tags/{COMPOSITION_ARN}", {"tags": [{"key": "a", "value": "1"}]})
    assert answer.content == b"{}"
    operation, (_, arn, tags), _ = library.calls[0]
    assert (operation, str(arn), tags) == ("tag_resource", COMPOSITION_ARN, {"a": "1"})


def test_tags_are_removed_by_key(api: ApiDriver, library: LibraryDouble) -> None:
    answer = api.send("DELETE", f"/tags/{COMPOSITION_ARN}", query=f"tagKeys=a&tagKeys={quote('b c/d')}")
    assert answer.status == 200
    assert library.calls[0][1][2] == ("a", "b c/d")


def test_tags_are_listed_as_pairs(api: ApiDriver) -> None:
    assert api.send("GET", f"/tags/{COMPOSITION_ARN}").json == {"tags": [{"key": "project", "value": "thesis"}]}


@pytest.mark.parametrize(
    "arn",
    [
        "text",
        "arn:aws:s3:::bucket",
        f"arn:aws:deepcomposer:us-east-1:{ACCOUNT}:composition/../../x",
        f"arn:aws:deepcomposer:us-east-1:{ACCOUNT}:composition/*",
        f"arn:aws:deepcomposer:us-east-1:{ACCOUNT}:keyboard/a",
        f"arn:aws:deepcomposer:us-east-1:12345:composition/{'a' * 26}",
        "x" * 300,
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_is_not_an_arn_of_ours_is_refused_by_name(
    api: ApiDriver, library: LibraryDouble, method: str, arn: str
) -> None:
    answer = api.send(
        method, f"/tags/{arn}", {"tags": [{"key": "a", "value": ""}]}, query="tagKeys=a" * (method == "DELETE")
    )
    assert answer.fields == ["resourceArn"]
    assert library.calls == []


def test_arns_of_other_accounts_are_for_the_library_to_judge(api: ApiDriver, library: LibraryDouble) -> None:
    foreign = COMPOSITION_ARN.replace(ACCOUNT, "210987654321")
    api.send("GET", f"/tags/{foreign}")
    assert library.calls[0][1][1] == Arn.parse(foreign)


def test_removing_no_tags_is_refused(api: ApiDriver) -> None:
    assert api.send("DELETE", f"/tags/{COMPOSITION_ARN}").fields == ["tagKeys"]
    assert api.send("DELETE", f"/tags/{COMPOSITION_ARN}", query="tagKeys=").fields == ["tagKeys.0"]
    assert api.send("POST", f"/tags/{COMPOSITION_ARN}", {"tags": []}).fields == ["tags"]


def test_every_sample_melody_is_listed_once(api: ApiDriver) -> None:
    listed, token = [], ""
    while True:
        page = api.send("GET", "/sample-melodies", query=f"maxResults=3{token}").json
        listed += [melody["sampleMelodyId"] for melody in page["melodies"]]
        if "nextToken" not in page:
            break
        token = f"&nextToken={page['nextToken']}"
    assert listed == [melody.id for melody in sample_melodies()]


def test_every_listed_sample_model_can_be_got(api: ApiDriver) -> None:
    listed = api.send("GET", "/sample-models").json["models"]
    assert [model["modelId"] for model in listed] == [model.id for model in sample_models()]
    for model in listed:
        described = api.send("GET", f"/sample-models/{model['modelId']}").json["model"]
        assert described.items() >= model.items()


def test_the_figures_of_a_model_are_told_by_their_paths() -> None:
    tree = {"test": {"nllPerCell": 0.5, "command": "python -m x", "raw": {"parallels": 1}}, "seconds": 2, "done": True}
    assert list(_figures(tree)) == [("test.nllPerCell", 0.5), ("test.raw.parallels", 1.0), ("seconds", 2.0)]


def test_the_model_of_a_living_songwriter_is_not_there(api: ApiDriver) -> None:
    answer = api.send("GET", "/sample-models/genre-joco-1")
    assert (answer.status, answer.error) == (404, "ResourceNotFoundException")
    assert answer.json["resourceId"] == "genre-joco-1"


@pytest.mark.parametrize("serial", ["1234567", "123456789", "1234-678", "", "ABCDEFGHIJKLMNOPQ", 12345678, "1234567é"])
def test_a_serial_number_has_8_or_16_letters_and_digits(api: ApiDriver, serial: object) -> None:
    assert api.send("POST", "/coupons", {"serialNumber": serial}).fields == ["serialNumber"]


@pytest.mark.parametrize("serial", ["ABCD1234", "abcd1234ABCD1234"])
def test_a_keyboard_is_registered(api: ApiDriver, library: LibraryDouble, serial: str) -> None:
    answer = api.send("POST", "/coupons", {"serialNumber": serial})
    assert answer.json == {"serialNumber": serial, "associatedAt": NOON.timestamp()}
    assert library.calls[0][1][1] == serial
