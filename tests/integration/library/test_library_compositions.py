import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from library_world import CALLER, MELODY_MIDI, World, add_a_bass, new_composition

from service.caller import Caller, PrincipalType
from service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ThrottlingException,
    ValidationException,
)
from service.library import Composed
from service.music.edits import Edit, EditOp
from service.music.midi import read_midi
from service.music.score import Score
from service.resources import Composition, InputSource, ModelType, Status, new_id

STRANGER = Caller("999999999999", "arn:aws:iam::999999999999:root", "999999999999", PrincipalType.ROOT, "AKIAOTHER")
TEMPO_90 = (Edit(EditOp.SET_TEMPO, bpm=90),)


def created(world: World, **changes: object) -> str:
    return world.library.create_composition(CALLER, new_composition(**changes)).composition.id


def fields_of(error: pytest.ExceptionInfo[ValidationException]) -> set[str]:
    return {field.name for field in error.value.fields}


# Create and get


def test_a_composition_is_answered_with_its_music_when_the_result_is_quick(world: World) -> None:
    view = world.library.create_composition(CALLER, new_composition(tags={"Team": "A"}))
    assert view.composition.status is Status.COMPLETED
    assert view.composition.tags == {"Team": "A"}
    assert view.revision is not None
    assert view.revision.number == 1
    assert view.output_midi is not None
    assert len(read_midi(view.output_midi).tracks) == 2
    assert view == world.library.get_composition(CALLER, view.composition.id) or view.downloads is not None


def test_a_composition_that_takes_longer_is_in_progress_and_completes_later(world: World) -> None:
    world.functions.mode = "keep"
    view = world.library.create_composition(CALLER, new_composition())
    assert view.composition.status is Status.IN_PROGRESS
    assert view.output_midi is None
    assert view.revision is None
    assert view.downloads is not None
    assert view.downloads.output_midi_url is None
    world.functions.run_kept()
    assert world.library.get_composition(CALLER, view.composition.id).composition.status is Status.COMPLETED


def test_creation_waits_for_the_result_as_long_as_the_budget_lasts(world: World) -> None:
    library = world.restart(wait=timedelta(seconds=30))
    world.functions.mode = "keep"
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            world.functions.run_kept()

    object.__setattr__(library._backend, "sleep", sleep)
    view = library.create_composition(CALLER, new_composition())
    assert view.composition.status is Status.COMPLETED
    assert looks == 3


def test_the_facts_tell_of_the_music(world: World) -> None:
    revision = world.library.create_composition(CALLER, new_composition()).revision
    assert revision is not None
    facts = revision.facts
    assert facts["tempo"] == 120
    assert facts["durationSeconds"] == 4
    assert facts["bars"] == 2
    assert [(track["instrument"], track["noteCount"]) for track in facts["tracks"]] == [
        ("Acoustic Grand Piano", 8),
        ("Acoustic Bass", 1),
    ]
    assert facts["metrics"]["emptyBarRate"] == 0
    assert facts["report"] == {"notesAdded": 1}


def test_parameters_are_completed_and_a_seed_is_chosen(world: World) -> None:
    first = world.library.create_composition(CALLER, new_composition(parameters={"maxNotesAdded": 100}))
    second = world.library.create_composition(CALLER, new_composition(parameters={"seed": 7}))
    assert first.composition.parameters["maxNotesAdded"] == 100
    assert first.composition.parameters["temperature"] == 1
    assert first.composition.parameters["seed"] >= 0
    assert second.composition.parameters["seed"] == 7


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameters": {"temperature": 7}}, "inferenceHyperParameters.temperature"),
        ({"parameters": {"loudness": 1}}, "inferenceHyperParameters.loudness"),
        ({"input_midi": b"not music"}, "inputMidi"),
        ({"locked": ((0, 60), (1, 60))}, "lockedNotes.1"),
        ({"sample_melody_id": "ode-to-joy", "input_midi": MELODY_MIDI}, "sampleMelodyId"),
        ({"input_midi": None}, "inputMidi"),
        ({"tags": {"aws:x": ""}}, "tags.0.key"),
        ({"tags": {str(n): "" for n in range(51)}}, "tags"),
    ],
)
def test_a_wrong_request_names_the_field_and_leaves_nothing_behind(
    world: World, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(ValidationException) as error:
        created(world, **changes)
    assert field in fields_of(error)
    assert world.items() == []
    assert world.object_keys() == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"model_id": "genre-joco-1"},
        {"model_type": ModelType.CUSTOM},
        {"sample_melody_id": "no-such-melody"},
        {"parent_composition_id": "01arz3ndektsv4rrffq69g5fav"},
        {"parent_composition_id": "../secret"},
    ],
)
def test_what_does_not_exist_is_not_found(world: World, changes: dict[str, object]) -> None:
    with pytest.raises(ResourceNotFoundException):
        created(world, **changes)
    assert world.items() == []


def test_a_sample_melody_is_an_input(world: World) -> None:
    view = world.library.create_composition(
        CALLER, new_composition(sample_melody_id="ode-to-joy", input_source=InputSource.SAMPLE)
    )
    assert view.composition.status is Status.COMPLETED
    assert view.composition.sample_melody_id == "ode-to-joy"


def test_a_composition_goes_on_from_the_newest_revision_of_another(world: World) -> None:
    parent = created(world)
    world.library.update_composition(CALLER, parent, edits=TEMPO_90)
    child = world.library.create_composition(
        CALLER, new_composition(parent_composition_id=parent, input_source=InputSource.COMPOSITION)
    )
    assert child.composition.parent_id == parent
    assert child.revision is not None
    assert child.revision.facts["tempo"] == 90


def test_a_composition_without_music_yet_cannot_be_the_input_of_another(world: World) -> None:
    world.functions.mode = "keep"
    parent = created(world)
    with pytest.raises(ConflictException):
        created(world, parent_composition_id=parent)


def test_the_composer_gets_the_melody_and_everything_that_was_asked(world: World) -> None:
    seen: list[tuple[Composition, Score]] = []

    def compose(composition: Composition, melody: Score) -> Composed:
        seen.append((composition, melody))
        return add_a_bass(composition, melody)

    world.functions.compose = compose
    created(world, locked=((480, 61),), parameters={"seed": 3})
    composition, melody = seen[0]
    assert composition.locked == ((480, 61),)
    assert composition.parameters["seed"] == 3
    assert melody.note_count == 8


def test_a_failure_with_words_for_the_caller_gives_them_as_the_reason(world: World) -> None:
    def compose(composition: Composition, melody: Score) -> Composed:
        raise ValueError("The melody has no pitched notes.")

    world.functions.compose = compose
    view = world.library.create_composition(CALLER, new_composition())
    assert view.composition.status is Status.FAILED
    assert view.composition.status_reason == "The melody has no pitched notes."
    world.assert_consistent()


def test_an_unexpected_failure_keeps_its_words_for_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def compose(composition: Composition, melody: Score) -> Composed:
        raise RuntimeError("secret internals")

    world.functions.compose = compose
    view = world.library.create_composition(CALLER, new_composition())
    assert view.composition.status is Status.FAILED
    assert view.composition.status_reason == "The composition could not be made."
    assert "secret internals" in caplog.text


def test_an_invocation_that_comes_twice_composes_once(world: World) -> None:
    world.functions.mode = "keep"
    composition_id = created(world)
    world.functions.kept.append(world.functions.kept[0])
    world.functions.run_kept()
    assert world.library.get_composition(CALLER, composition_id).composition.revision == 1
    world.assert_consistent()


def test_of_two_invocations_at_once_one_wins_and_the_other_leaves_nothing(world: World) -> None:
    world.functions.mode = "keep"
    composition_id = created(world)

    def compose(composition: Composition, melody: Score) -> Composed:
        world.library.make_composition(composition.account, composition.id, add_a_bass)
        return add_a_bass(composition, melody)

    world.functions.compose = compose
    world.functions.run_kept()
    assert world.library.get_composition(CALLER, composition_id).composition.revision == 1
    world.assert_consistent()


def test_a_failure_that_is_told_too_late_changes_nothing(world: World) -> None:
    composition_id = created(world)
    world.library.composition_failed(CALLER.account, composition_id, "too late")
    assert world.library.get_composition(CALLER, composition_id).composition.status is Status.COMPLETED


def test_a_full_queue_is_throttling_and_leaves_nothing_behind(world: World) -> None:
    world.functions.mode = "full"
    new = new_composition(client_request_token="once")
    with pytest.raises(ThrottlingException):
        world.library.create_composition(CALLER, new)
    world.assert_consistent()
    assert world.object_keys() == set()
    assert world.library.list_compositions(CALLER, limit=5) == ([], None)
    world.functions.mode = "run"
    assert world.library.create_composition(CALLER, new).composition.status is Status.COMPLETED


def test_the_quota_of_compositions_holds_and_a_deletion_makes_room(world: World) -> None:
    library = world.restart(compositions=2)
    first = created(world)
    created(world)
    with pytest.raises(ServiceQuotaExceededException):
        created(world)
    library.delete_composition(CALLER, first)
    created(world)
    world.assert_consistent()


# Idempotency


def test_the_same_token_and_parameters_get_the_first_answer_again(world: World) -> None:
    new = new_composition(client_request_token="once")
    first = world.library.create_composition(CALLER, new)
    again = world.library.create_composition(CALLER, new)
    assert again.composition == first.composition
    assert again.output_midi == first.output_midi
    assert len(world.library.list_compositions(CALLER, limit=5)[0]) == 1


@pytest.mark.parametrize(
    "changes", [{"name": "Other"}, {"parameters": {"seed": 1}}, {"tags": {"a": "b"}}, {"locked": ((0, 60),)}]
)
def test_the_same_token_with_other_parameters_is_a_conflict(world: World, changes: dict[str, object]) -> None:
    created(world, client_request_token="once")
    with pytest.raises(ConflictException):
        created(world, client_request_token="once", **changes)


def test_a_token_is_the_accounts_own(world: World) -> None:
    new = new_composition(client_request_token="once")
    ours = world.library.create_composition(CALLER, new)
    theirs = world.library.create_composition(STRANGER, new)
    assert ours.composition.id != theirs.composition.id


def test_a_token_is_free_again_after_a_day(world: World) -> None:
    new = new_composition(client_request_token="once")
    first = world.library.create_composition(CALLER, new)
    tomorrow = datetime.now(UTC) + timedelta(hours=24, seconds=5)
    object.__setattr__(world.library._backend, "now", lambda: tomorrow)
    second = world.library.create_composition(CALLER, new)
    assert second.composition.id != first.composition.id


def test_a_token_does_not_bring_back_what_was_deleted(world: World) -> None:
    new = new_composition(client_request_token="once")
    world.library.delete_composition(CALLER, world.library.create_composition(CALLER, new).composition.id)
    with pytest.raises(ConflictException):
        world.library.create_composition(CALLER, new)


def test_one_token_many_times_at_once_makes_one_composition(world: World) -> None:
    world.functions.mode = "keep"
    new = new_composition(client_request_token="once")
    with ThreadPoolExecutor(8) as pool:
        views = list(pool.map(lambda _: world.library.create_composition(CALLER, new), range(8)))
    assert len({view.composition.id for view in views}) == 1
    world.functions.run_kept()
    world.assert_consistent()


# List


def test_a_list_is_newest_first_and_pages_give_each_composition_once(world: World) -> None:
    world.functions.mode = "keep"
    ids = [created(world, name=str(number)) for number in range(7)]
    seen: list[str] = []
    after = None
    while True:
        page, after = world.library.list_compositions(CALLER, limit=3, after=after)
        seen += [composition.id for composition in page]
        assert len(page) <= 3
        if after is None:
            break
    assert sorted(seen) == sorted(ids)
    assert seen == sorted(ids, reverse=True)


def test_a_list_of_exactly_a_page_has_no_next_page(world: World) -> None:
    for _ in range(2):
        created(world)
    assert world.library.list_compositions(CALLER, limit=2)[1] is None


def test_accounts_do_not_see_each_other(world: World) -> None:
    composition_id = created(world)
    assert world.library.list_compositions(STRANGER, limit=5) == ([], None)
    with pytest.raises(ResourceNotFoundException):
        world.library.get_composition(STRANGER, composition_id)
    with pytest.raises(ResourceNotFoundException):
        world.library.delete_composition(STRANGER, composition_id)
    with pytest.raises(ResourceNotFoundException):
        world.library.update_composition(STRANGER, composition_id, name="Mine")


# Update


def test_edits_make_a_new_revision_and_the_old_one_stays_readable(world: World) -> None:
    composition_id = created(world)
    view = world.library.update_composition(CALLER, composition_id, name="Slow", edits=TEMPO_90, expected_revision=1)
    assert view.composition.revision == 2
    assert view.composition.name == "Slow"
    assert view.revision is not None
    assert view.revision.facts["report"] == {"notesAdded": 1}
    new = world.library.get_composition(CALLER, composition_id, revision=2)
    assert new.revision is not None
    assert new.revision.edits == ({"op": "SET_TEMPO", "tempo": 90},)
    old = world.library.get_composition(CALLER, composition_id, revision=1)
    assert old.revision is not None
    assert old.revision.facts["tempo"] == 120
    assert old.output_midi is not None
    assert read_midi(old.output_midi).tempos[0].bpm == 120
    with pytest.raises(ResourceNotFoundException):
        world.library.get_composition(CALLER, composition_id, revision=3)


def test_a_new_name_alone_makes_no_revision(world: World) -> None:
    composition_id = created(world)
    view = world.library.update_composition(CALLER, composition_id, name="Other")
    assert (view.composition.name, view.composition.revision) == ("Other", 1)
    assert view.composition.updated > view.composition.created


def test_an_update_of_another_revision_than_expected_is_a_conflict(world: World) -> None:
    composition_id = created(world)
    for changes in ({"edits": TEMPO_90}, {"name": "Other"}):
        with pytest.raises(ConflictException):
            world.library.update_composition(CALLER, composition_id, expected_revision=2, **changes)
    assert world.library.get_composition(CALLER, composition_id).composition.version == 2


def test_of_updates_at_once_with_one_expected_revision_exactly_one_wins(world: World) -> None:
    composition_id = created(world)

    def update(bpm: int) -> bool:
        try:
            world.library.update_composition(
                CALLER, composition_id, edits=(Edit(EditOp.SET_TEMPO, bpm=bpm),), expected_revision=1
            )
        except ConflictException:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(update, range(60, 66))) == 1
    world.assert_consistent()


def test_updates_at_once_without_an_expected_revision_all_come_through(world: World) -> None:
    composition_id = created(world)
    edits = [(Edit(EditOp.ADD_NOTE, track=0, start=start, pitch=90, duration=10),) for start in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda edit: world.library.update_composition(CALLER, composition_id, edits=edit), edits))
    view = world.library.get_composition(CALLER, composition_id)
    assert view.composition.revision == 5
    assert view.output_midi is not None
    added = [note for track in read_midi(view.output_midi).tracks for note in track.notes if note.pitch == 90]
    assert len(added) == 4
    world.assert_consistent()


def test_an_impossible_edit_names_its_field_and_changes_nothing(world: World) -> None:
    composition_id = created(world)
    before = world.items()
    bad = (TEMPO_90[0], Edit(EditOp.MOVE_NOTE, track=0, start=0, pitch=60, to_pitch=200))
    with pytest.raises(ValidationException) as error:
        world.library.update_composition(CALLER, composition_id, edits=bad)
    assert fields_of(error) == {"edits.1.newPitch"}
    assert world.items() == before


def test_edits_that_would_leave_no_notes_are_refused(world: World) -> None:
    composition_id = created(world)
    everything = tuple(Edit(EditOp.REMOVE_NOTE, track=0, start=beat * 480, pitch=60 + beat) for beat in range(8))
    with pytest.raises(ValidationException):
        world.library.update_composition(
            CALLER, composition_id, edits=(*everything, Edit(EditOp.REMOVE_NOTE, track=1, start=0, pitch=36))
        )


def test_an_update_that_changes_nothing_is_refused(world: World) -> None:
    composition_id = created(world)
    with pytest.raises(ValidationException):
        world.library.update_composition(CALLER, composition_id)


def test_only_a_completed_composition_can_be_edited(world: World) -> None:
    world.functions.mode = "keep"
    composition_id = created(world)
    with pytest.raises(ConflictException):
        world.library.update_composition(CALLER, composition_id, edits=TEMPO_90)
    assert world.library.update_composition(CALLER, composition_id, name="Later").composition.name == "Later"
    world.functions.run_kept()
    assert world.library.get_composition(CALLER, composition_id).composition.name == "Later"


def test_the_quota_of_revisions_holds(world: World) -> None:
    world.restart(revisions=2)
    composition_id = created(world)
    world.library.update_composition(CALLER, composition_id, edits=TEMPO_90)
    with pytest.raises(ServiceQuotaExceededException):
        world.library.update_composition(CALLER, composition_id, edits=TEMPO_90)


# Delete


def test_a_deletion_removes_metadata_and_objects_together(world: World) -> None:
    composition_id = created(world)
    kept = created(world)
    world.library.update_composition(CALLER, composition_id, edits=TEMPO_90)
    world.library.create_audio(CALLER, composition_id, format="WAV")
    world.library.delete_composition(CALLER, composition_id)
    assert all(kept in key for key in world.object_keys())
    with pytest.raises(ResourceNotFoundException):
        world.library.get_composition(CALLER, composition_id)
    with pytest.raises(ResourceNotFoundException):
        world.library.delete_composition(CALLER, composition_id)
    assert [found.id for found in world.library.list_compositions(CALLER, limit=5)[0]] == [kept]
    world.assert_consistent()


def test_a_composition_in_progress_can_be_deleted(world: World) -> None:
    world.functions.mode = "keep"
    composition_id = created(world)
    world.library.delete_composition(CALLER, composition_id)
    world.functions.run_kept()
    world.assert_consistent()
    assert world.object_keys() == set()


def test_a_composition_deleted_while_it_is_created_is_not_answered(world: World) -> None:
    put = world.library._backend.objects.put

    def put_after_a_deletion(key: str, data: bytes) -> None:
        world.library.delete_composition(CALLER, key.split("/")[1])
        put(key, data)

    world.library._backend.objects.put = put_after_a_deletion  # type: ignore[method-assign]
    with pytest.raises(ConflictException):
        created(world)
    world.assert_consistent()
    assert world.object_keys() == set()


def test_ids_that_are_none_are_not_found(world: World) -> None:
    for composition_id in ("", "..", "x" * 3000, new_id(), new_id().upper()):
        with pytest.raises(ResourceNotFoundException):
            world.library.get_composition(CALLER, composition_id)
        with pytest.raises(ResourceNotFoundException):
            world.library.delete_composition(CALLER, composition_id)


# Links


def test_links_name_the_file_and_end_when_asked(world: World) -> None:
    composition_id = created(world, name='Öde: an die "Freude"')
    now = datetime.now(UTC)
    downloads = world.library.get_composition(CALLER, composition_id, url_seconds=60).downloads
    assert downloads is not None
    assert downloads.output_midi_url is not None
    assert downloads.output_midi_url.startswith(f"http://127.0.0.1:4242/{world.name}/compositions/{composition_id}/")
    assert "X-Amz-Expires=60&" in downloads.output_midi_url
    assert re.search(r"response-content-disposition=attachment%3B%20filename%3D%22_de_", downloads.output_midi_url)
    assert timedelta(seconds=50) < downloads.expires_at - now <= timedelta(seconds=60)


# Coupons and secrets


def test_a_keyboard_is_registered_once_and_to_one_account(world: World) -> None:
    first = world.library.associate_coupon(CALLER, "abcd1234")
    assert world.library.associate_coupon(CALLER, "ABCD1234") == first
    with pytest.raises(ConflictException):
        world.library.associate_coupon(STRANGER, "abcd1234")
    for serial in ("", "abcd123", "abcd-123", "a" * 17, "äbcd1234"):
        with pytest.raises(ValidationException):
            world.library.associate_coupon(CALLER, serial)


def test_all_servers_share_one_page_token_secret(world: World) -> None:
    secret = world.library.token_secret()
    assert len(secret) == 32
    assert world.restart().token_secret() == secret
