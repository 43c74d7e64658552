from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from library_world import CALLER, MELODY_MIDI, STRANGER, World, add_a_bass, created, fields_of, new_composition

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
from service.resources import Composition, InputSource, ModelType, Status

TEMPO_90 = (Edit(EditOp.SET_TEMPO, bpm=90),)


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
    world.restart(wait=timedelta(seconds=30))
    world.functions.mode = "keep"
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            world.functions.run_kept()

    library = world.change_clocks(sleep=sleep)
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
    world.change_clocks(now=lambda: tomorrow)
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
