"""Requests about compositions, as the library gets them; and its answers, as the wire gets them."""

import base64
from dataclasses import fields
from typing import Any

import pytest
from api_driver import COMPOSITION_ARN, COMPOSITION_ID, NOON, ApiDriver, LibraryDouble

from service.api.composition_shapes import Edit as EditShape
from service.library.updating import wire_name
from service.library.views import NewComposition
from service.music.edits import Edit, EditOp
from service.music.midi import write_midi
from service.music.score import Note, Score, Track
from service.resources import InputSource, ModelType

MIDI = write_midi(Score((Track((Note(0, 60, 480),)),)))
NEW = {"name": "Ode", "modelId": "ar-cnn-bach", "sampleMelodyId": "ode-to-joy"}
IMPORT = {"name": "Ode", "modelId": "ar-cnn-bach", "inputMidi": base64.b64encode(MIDI).decode()}


def created(library: LibraryDouble) -> NewComposition:
    (operation, (_, new), _) = library.calls[-1]
    assert operation == "create_composition"
    assert isinstance(new, NewComposition)
    return new


def test_every_member_of_a_creation_reaches_the_library(api: ApiDriver, library: LibraryDouble) -> None:
    answer = api.send(
        "POST",
        "/compositions",
        IMPORT
        | {
            "modelType": "CUSTOM",
            "inputMidiSource": "VIRTUAL",
            "inferenceHyperParameters": {"maxNotesAdded": 50, "temperature": 2, "seed": 9007199254740991},
            "lockedNotes": [{"start": 0, "pitch": 60}],
            "tags": [{"key": "project", "value": "thesis"}],
            "clientRequestToken": "abc",
        },
    )
    assert answer.status == 200
    assert created(library) == NewComposition(
        name="Ode",
        model_id="ar-cnn-bach",
        model_type=ModelType.CUSTOM,
        input_source=InputSource.VIRTUAL,
        input_midi=MIDI,
        parameters={"maxNotesAdded": 50, "temperature": 2.0, "seed": 9007199254740991},
        locked=((0, 60),),
        tags={"project": "thesis"},
        client_request_token="abc",
    )


@pytest.mark.parametrize(
    ("melody", "source"),
    [
        ({"sampleMelodyId": "ode-to-joy"}, InputSource.SAMPLE),
        ({"parentCompositionId": COMPOSITION_ID}, InputSource.COMPOSITION),
        ({"inputMidi": IMPORT["inputMidi"]}, InputSource.IMPORTED),
        ({"inputMidi": IMPORT["inputMidi"], "inputMidiSource": "PHYSICAL"}, InputSource.PHYSICAL),
    ],
)
def test_where_the_melody_comes_from_follows_from_how_it_is_given(
    api: ApiDriver, library: LibraryDouble, melody: dict[str, Any], source: InputSource
) -> None:
    api.send("POST", "/compositions", {"name": "x", "modelId": "m"} | melody)
    assert created(library).input_source is source
    assert created(library).model_type is ModelType.SAMPLE


def test_exactly_one_melody_must_be_given(api: ApiDriver) -> None:
    none = api.send("POST", "/compositions", {"name": "x", "modelId": "m"})
    assert none.fields == ["inputMidi", "sampleMelodyId", "parentCompositionId"]
    two = api.send("POST", "/compositions", NEW | {"parentCompositionId": COMPOSITION_ID})
    assert two.fields == ["sampleMelodyId", "parentCompositionId"]


def test_a_source_that_contradicts_the_melody_is_refused(api: ApiDriver) -> None:
    assert api.send("POST", "/compositions", NEW | {"inputMidiSource": "VIRTUAL"}).fields == ["inputMidiSource"]


@pytest.mark.parametrize(
    ("midi", "rule"),
    [
        (b"not MIDI at all", "MIDI"),
        (MIDI[:-3], ""),
        (write_midi(Score((Track(()),))), "notes"),
    ],
)
def test_bytes_that_are_no_music_are_refused_with_the_reason(
    api: ApiDriver, library: LibraryDouble, midi: bytes, rule: str
) -> None:
    answer = api.send("POST", "/compositions", IMPORT | {"inputMidi": base64.b64encode(midi).decode()})
    assert answer.fields == ["inputMidi"]
    assert rule in answer.json["message"]
    assert library.calls == []


def test_an_imported_track_has_10240_bytes_and_not_one_more(api: ApiDriver, library: LibraryDouble) -> None:
    # text events of a byte's granularity fill a valid file up to the limit
    padding = 10_240 - len(MIDI)
    track = MIDI.index(b"MTrk", MIDI.index(b"MTrk") + 4) if MIDI.count(b"MTrk") > 1 else MIDI.index(b"MTrk")
    length = int.from_bytes(MIDI[track + 4 : track + 8])
    text = padding - 5
    event = b"\x00\xff\x01" + bytes([0x80 | text >> 7, text & 0x7F]) + b"x" * text
    full = MIDI[: track + 4] + (length + padding).to_bytes(4) + event + MIDI[track + 8 :]
    assert len(full) == 10_240
    assert api.send("POST", "/compositions", IMPORT | {"inputMidi": base64.b64encode(full).decode()}).status == 200
    answer = api.send("POST", "/compositions", IMPORT | {"inputMidi": base64.b64encode(full + b"x").decode()})
    assert answer.fields == ["inputMidi"]
    assert "10240" in answer.json["message"]
    assert len(library.calls) == 1


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\x00", "\x7f", "\x9f", "n" * 129, 7, None, ["x"], {}])
def test_a_name_is_visible_text_of_at_most_128_characters(api: ApiDriver, name: object) -> None:
    assert api.send("POST", "/compositions", NEW | {"name": name}).fields == ["name"]


@pytest.mark.parametrize("name", ["x", "n" * 128, " Für Elise ", "歓喜の歌", "🎵", "<b>&amp;"])
def test_a_name_may_hold_any_language(api: ApiDriver, library: LibraryDouble, name: str) -> None:
    assert api.send("POST", "/compositions", NEW | {"name": name}).status == 200
    assert created(library).name == name


@pytest.mark.parametrize("identifier", ["../secret", "a/b", "a b", "*", "ä", "x" * 65, "a\n", "%2e"])
def test_an_id_that_could_not_exist_is_refused_by_name(api: ApiDriver, identifier: str) -> None:
    assert api.send("GET", f"/compositions/{identifier}").fields == ["compositionId"]
    assert api.send("POST", "/compositions", NEW | {"modelId": identifier}).fields == ["modelId"]
    assert api.send("GET", f"/sample-models/{identifier}").fields == ["modelId"]


def test_a_tag_key_given_twice_is_refused(api: ApiDriver) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "A", "value": "1"}, {"key": "a", "value": "2"}]
    assert api.send("POST", "/compositions", NEW | {"tags": tags}).fields == ["tags.2.key"]


@pytest.mark.parametrize("key", ["aws:x", "AWS:x", "aWs:", "a!", "é\x00", "", "k" * 129])
def test_tag_keys_follow_the_guide(api: ApiDriver, key: str) -> None:
    assert api.send("POST", "/compositions", NEW | {"tags": [{"key": key, "value": ""}]}).fields == ["tags.0.key"]


def test_a_composition_may_be_created_with_50_tags_and_not_with_51(api: ApiDriver) -> None:
    tags = [{"key": f"k{n}", "value": "v" * 256} for n in range(51)]
    assert api.send("POST", "/compositions", NEW | {"tags": tags[:50]}).status == 200
    assert api.send("POST", "/compositions", NEW | {"tags": tags}).fields == ["tags"]


def test_a_note_locked_twice_is_refused(api: ApiDriver) -> None:
    notes = [{"start": 0, "pitch": 60}, {"start": 0, "pitch": 60}]
    assert api.send("POST", "/compositions", NEW | {"lockedNotes": notes}).fields == ["lockedNotes.1"]


def test_all_broken_rules_are_told_at_once(api: ApiDriver) -> None:
    answer = api.send("POST", "/compositions", {"name": "", "modelType": "MINE", "tempo": 3, "tags": [{"key": "a"}]})
    assert answer.fields == ["name", "modelId", "modelType", "tags.0.value", "tempo"]


def test_the_answer_tells_all_that_is_known_of_a_composition(api: ApiDriver) -> None:
    composition = api.send("GET", f"/compositions/{COMPOSITION_ID}").json["composition"]
    audio = composition.pop("audios")[0]
    assert composition == {
        "compositionId": COMPOSITION_ID,
        "compositionArn": COMPOSITION_ARN,
        "name": "Ode",
        "status": "COMPLETED",
        "modelId": "ar-cnn-bach",
        "modelType": "SAMPLE",
        "inputMidiSource": "SAMPLE",
        "sampleMelodyId": "ode-to-joy",
        "latestRevision": 1,
        "createdAt": NOON.timestamp(),
        "updatedAt": NOON.timestamp(),
        "inferenceHyperParameters": {"temperature": 1.5, "seed": 7},
        "lockedNotes": [{"start": 0, "pitch": 60}],
        "tags": [{"key": "project", "value": "thesis"}],
        "revision": 1,
        "tempo": 120.0,
        "durationSeconds": 16.0,
        "bars": 8,
        "tracks": [{"name": "Soprano", "program": 52, "instrument": "Choir Aahs", "drum": False, "noteCount": 30}],
        "metrics": {"pitchesUsed": 5.25},
        "report": {"notesAdded": 90},
        "downloads": {
            "inputMidiUrl": "https://s3/in.mid",
            "outputMidiUrl": "https://s3/out.mid",
            "expiresAt": NOON.timestamp(),
        },
        "outputMidi": "TVRoZA==",
    }
    assert (audio["format"], audio["url"]) == ("MP3", "https://s3/a.mp3")


def test_a_list_tells_less(api: ApiDriver) -> None:
    (summary,) = api.send("GET", "/compositions").json["compositions"]
    assert summary["compositionId"] == COMPOSITION_ID
    assert "outputMidi" not in summary
    assert "downloads" not in summary


def test_get_passes_on_what_is_asked_for(api: ApiDriver, library: LibraryDouble) -> None:
    query = "revision=3&includeOutputMidi=false&urlExpiresInSeconds=60"
    api.send("GET", f"/compositions/{COMPOSITION_ID}", query=query)
    assert library.calls[0][2] == {"revision": 3, "include_output_midi": False, "url_seconds": 60}


@pytest.mark.parametrize(("seconds", "accepted"), [(59, False), (60, True), (43_200, True), (43_201, False)])
def test_urls_live_a_minute_to_twelve_hours(api: ApiDriver, seconds: int, accepted: bool) -> None:
    answer = api.send("GET", f"/compositions/{COMPOSITION_ID}", query=f"urlExpiresInSeconds={seconds}")
    assert (answer.status == 200) is accepted
    answer = api.send("POST", "/audios", {"compositionId": COMPOSITION_ID, "urlExpiresInSeconds": seconds})
    assert (answer.status == 200) is accepted


def test_edits_reach_the_library_in_its_own_terms(api: ApiDriver, library: LibraryDouble) -> None:
    edits = [
        {"op": "MOVE_NOTE", "track": 0, "start": 480, "pitch": 60, "newStart": 960, "newPitch": 62},
        {"op": "RESIZE_NOTE", "track": 0, "start": 0, "pitch": 60, "newDuration": 240},
        {"op": "SET_TEMPO", "tempo": 96.5},
        {"op": "QUANTIZE", "strength": 0.5, "grid": 240},
    ]
    answer = api.send("PATCH", f"/compositions/{COMPOSITION_ID}", {"edits": edits, "expectedRevision": 1, "name": "y"})
    assert answer.status == 200
    assert library.calls[0][2] == {
        "name": "y",
        "edits": (
            Edit(EditOp.MOVE_NOTE, track=0, start=480, pitch=60, to_start=960, to_pitch=62),
            Edit(EditOp.RESIZE_NOTE, track=0, start=0, pitch=60, to_duration=240),
            Edit(EditOp.SET_TEMPO, bpm=96.5),
            Edit(EditOp.QUANTIZE, strength=0.5, grid=240),
        ),
        "expected_revision": 1,
    }


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"op": "SET_TEMPO", "tempo": 161}, "edits.0.tempo"),
        ({"op": "SET_TEMPO", "tempo": 39.9}, "edits.0.tempo"),
        ({"op": "TRANSPOSE", "semitones": 13}, "edits.0.semitones"),
        ({"op": "TRANSPOSE", "semitones": -13}, "edits.0.semitones"),
        ({"op": "ADD_NOTE", "track": -1}, "edits.0.track"),
        ({"op": "ADD_NOTE", "pitch": 128}, "edits.0.pitch"),
        ({"op": "EXPLODE"}, "edits.0.op"),
        ({"op": "SET_TEMPO", "bpm": 100}, "edits.0.bpm"),
        ({}, "edits.0.op"),
        ("SET_TEMPO", "edits.0"),
    ],
)
def test_an_edit_out_of_bounds_is_refused_with_its_place(api: ApiDriver, edit: object, field: str) -> None:
    answer = api.send("PATCH", f"/compositions/{COMPOSITION_ID}", {"edits": [edit]})
    assert answer.fields == [field]


def test_every_field_of_an_edit_can_be_sent() -> None:
    sendable = {field.alias for field in EditShape.model_fields.values()}
    assert {wire_name(field.name) for field in fields(Edit)} == sendable


def test_deleting_answers_an_empty_object(api: ApiDriver, library: LibraryDouble) -> None:
    assert api.send("DELETE", f"/compositions/{COMPOSITION_ID}").content == b"{}"
    assert library.calls[0][0] == "delete_composition"


def test_audio_is_mp3_unless_asked_otherwise(api: ApiDriver, library: LibraryDouble) -> None:
    api.send("POST", "/audios", {"compositionId": COMPOSITION_ID})
    api.send("POST", "/audios", {"compositionId": COMPOSITION_ID, "format": "WAV", "revision": 2})
    assert [call[2]["format"] for call in library.calls] == ["MP3", "WAV"]
    assert api.send("POST", "/audios", {"compositionId": COMPOSITION_ID, "format": "OGG"}).fields == ["format"]
