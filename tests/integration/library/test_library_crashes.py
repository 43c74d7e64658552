"""A kill before any single write of any operation, then a sweep by a new process: the whole of it, or nothing."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import pytest
from library_world import ACCOUNT, CALLER, Killed, World, add_a_bass, created, new_composition

from service.errors import ResourceNotFoundException, ServiceError
from service.library import CompositionView
from service.music.edits import Edit, EditOp
from service.resources import Arn, Status

MOST_WRITES = 30  # of any one operation, the function that it invokes included
EDITS = (Edit(EditOp.SET_TEMPO, bpm=90),)


def killed(world: World, number: int, operation: Callable[[], object]) -> bool:
    """Whether the operation died before its write of this number; afterwards a new process has swept."""
    died = False
    with world.kill_before_write(number):
        try:
            operation()
        except Killed:
            died = True
    recover(world)
    return died


def recover(world: World) -> None:
    world.restart().sweep()
    world.assert_consistent()


def only_composition(world: World) -> CompositionView | None:
    found, _ = world.library.list_compositions(CALLER, limit=10)
    assert len(found) <= 1
    return world.library.get_composition(CALLER, found[0].id) if found else None


def test_a_killed_creation_leaves_a_whole_composition_or_none(world: World) -> None:
    for number in range(MOST_WRITES):
        new = new_composition(client_request_token=f"token-{number}")
        died = killed(world, number, partial(world.library.create_composition, CALLER, new))
        if (found := only_composition(world)) is not None:
            assert found.composition.status is Status.COMPLETED
            assert found.output_midi
        again = world.library.create_composition(CALLER, new)
        assert again.composition.status is Status.COMPLETED
        assert found is None or found.composition.id == again.composition.id
        world.library.delete_composition(CALLER, again.composition.id)
        world.assert_consistent()
        if not died:
            assert number > 5
            return
    pytest.fail("the operation never ran to its end")


def test_a_killed_edit_leaves_the_old_revision_or_the_new_one(world: World) -> None:
    composition_id = world.library.create_composition(CALLER, new_composition()).composition.id
    for number in range(MOST_WRITES):
        before = world.library.get_composition(CALLER, composition_id)
        died = killed(
            world,
            number,
            lambda: world.library.update_composition(CALLER, composition_id, name="Renamed", edits=EDITS),
        )
        after = world.library.get_composition(CALLER, composition_id)
        if after.composition.revision == before.composition.revision:
            assert after == before or after.downloads != before.downloads
            assert after.output_midi == before.output_midi
        else:
            assert after.composition.name == "Renamed"
            assert after.revision is not None
            assert after.revision.facts["tempo"] == 90
        if not died:
            assert number >= 3
            return
    pytest.fail("the operation never ran to its end")


def test_a_killed_rendering_leaves_a_whole_one_or_none(world: World) -> None:
    composition_id = world.library.create_composition(CALLER, new_composition()).composition.id
    for number in range(MOST_WRITES):
        token = f"token-{number}"
        died = killed(
            world,
            number,
            partial(world.library.create_audio, CALLER, composition_id, format="WAV", client_request_token=token),
        )
        again = world.library.create_audio(CALLER, composition_id, format="WAV", client_request_token=token)
        assert again.audio.status is Status.COMPLETED
        assert len(world.library.get_composition(CALLER, composition_id).audios) == number + 1
        world.assert_consistent()
        if not died:
            assert number >= 5
            return
    pytest.fail("the operation never ran to its end")


def test_a_killed_deletion_leaves_everything_or_nothing(world: World) -> None:
    for number in range(MOST_WRITES):
        composition_id = world.library.create_composition(CALLER, new_composition()).composition.id
        world.library.update_composition(CALLER, composition_id, edits=EDITS)
        world.library.create_audio(CALLER, composition_id, format="MP3")
        died = killed(world, number, partial(world.library.delete_composition, CALLER, composition_id))
        if number == 0:
            kept = world.library.get_composition(CALLER, composition_id)
            assert kept.composition.revision == 2
            assert len(world.library.get_composition(CALLER, composition_id).audios) == 1
            world.library.delete_composition(CALLER, composition_id)
        with pytest.raises(ResourceNotFoundException):
            world.library.get_composition(CALLER, composition_id)
        assert world.object_keys() == set()
        if not died:
            assert number >= 4
            return
    pytest.fail("the operation never ran to its end")


def test_a_composition_deleted_while_it_is_composed_leaves_nothing_whoever_dies(world: World) -> None:
    def compose_while_someone_deletes(composition, melody):
        world.library.delete_composition(CALLER, composition.id)
        return add_a_bass(composition, melody)

    world.functions.compose = compose_while_someone_deletes
    for number in range(MOST_WRITES):
        died = False
        with world.kill_before_write(number):
            try:
                world.library.create_composition(CALLER, new_composition())
            except Killed:
                died = True
            except ResourceNotFoundException:
                died = False
        world.functions.compose = add_a_bass
        recover(world)
        if (found := only_composition(world)) is not None:
            world.library.delete_composition(CALLER, found.composition.id)
        assert world.object_keys() == set()
        world.functions.compose = compose_while_someone_deletes
        if not died:
            assert number >= 6
            return
    pytest.fail("the operation never ran to its end")


class DeletionInParts:
    """Someone deletes every composition there is, and is slow: `steps` of the deletion come early, the rest late."""

    def __init__(self, world: World, steps: int) -> None:
        self._world = world
        self._steps = steps
        self._found: list[str] = []

    @property
    def has_begun(self) -> bool:
        return bool(self._found)

    def early(self) -> None:
        items = self._world.items()
        self._found = [item["sk"]["S"] for item in items if item["pk"]["S"].endswith("#composition")]
        for composition_id in self._found:
            self._take(composition_id, slice(0, self._steps))

    def late(self) -> None:
        for composition_id in self._found:
            self._take(composition_id, slice(self._steps, None))

    def late_and_kill(self) -> None:
        self.late()
        raise Killed

    def _take(self, composition_id: str, part: slice) -> None:
        backend = self._world.backend
        steps: list[Callable[[], object]] = [
            partial(backend.metadata.begin_deletion, ACCOUNT, composition_id, datetime.now(UTC)),
            partial(backend.objects.delete_all_of, composition_id),
            partial(backend.metadata.delete_children, ACCOUNT, composition_id),
            partial(backend.metadata.remove_composition, ACCOUNT, composition_id),
        ]
        for step in steps[part]:
            step()


@pytest.mark.parametrize("operation", ["create", "update", "render"])
@pytest.mark.parametrize("steps", [2, 3])
@pytest.mark.parametrize(("writes_between", "dies"), [(1, False), (1, True), (2, False)])
def test_a_deletion_around_the_writes_of_another_leaves_nothing(
    world: World, operation: str, steps: int, writes_between: int, dies: bool
) -> None:
    for number in range(MOST_WRITES):
        existing = created(world) if operation != "create" else ""
        operations: dict[str, Callable[[], object]] = {
            "create": partial(created, world),
            "update": partial(world.library.update_composition, CALLER, existing, edits=EDITS),
            "render": partial(world.library.create_audio, CALLER, existing, format="WAV"),
        }
        deletion = DeletionInParts(world, steps)
        plan = {number: deletion.early, number + writes_between: deletion.late_and_kill if dies else deletion.late}
        with world.before_writes(plan), suppress(Killed, ServiceError):
            operations[operation]()
        deletion.late()
        recover(world)
        if deletion.has_begun:
            assert world.object_keys() == set()
            assert world.library.list_compositions(CALLER, limit=5) == ([], None)
        elif number > 0:
            assert number >= 3
            return
    pytest.fail("the operation never ran to its end")


def test_a_composition_that_is_being_deleted_is_gone_for_every_reader(world: World) -> None:
    composition_id = created(world)
    arn = Arn.parse(world.library.get_composition(CALLER, composition_id).composition.arn)
    DeletionInParts(world, steps=2).early()
    assert world.library.list_compositions(CALLER, limit=5) == ([], None)
    assert world.library.resource_tags(ACCOUNT, arn) is None
    for read in (
        partial(world.library.get_composition, CALLER, composition_id),
        partial(world.library.update_composition, CALLER, composition_id, name="Back"),
        partial(world.library.create_audio, CALLER, composition_id, format="WAV"),
        partial(world.library.tag_resource, CALLER, arn, {"a": "b"}),
    ):
        with pytest.raises(ResourceNotFoundException):
            read()
    world.library.delete_composition(CALLER, composition_id)
    world.assert_consistent()


def test_a_function_that_comes_to_its_end_after_the_deletion_takes_its_object_back(world: World) -> None:
    put = world.backend.objects.put
    composition_id = ""

    def put_and_someone_deletes(key: str, data: bytes) -> None:
        put(key, data)
        world.library.delete_composition(CALLER, composition_id)
        put(key, data)  # as if the deletion had come just before

    world.functions.mode = "keep"
    composition_id = world.library.create_composition(CALLER, new_composition()).composition.id
    world.backend.objects.put = put_and_someone_deletes  # type: ignore[method-assign]
    world.functions.run_kept()
    world.assert_consistent()
    assert world.object_keys() == set()


def test_a_sweep_that_is_killed_itself_is_finished_by_the_next(world: World) -> None:
    for number in range(MOST_WRITES):
        leave_a_mess(world)
        world.restart()
        died = False
        with world.kill_before_write(number):
            try:
                world.library.sweep()
            except Killed:
                died = True
        recover(world)
        for composition in world.library.list_compositions(CALLER, limit=10)[0]:
            assert composition.status is Status.COMPLETED
            world.library.delete_composition(CALLER, composition.id)
        if not died:
            assert number > 10
            return
    pytest.fail("the sweep never ran to its end")


def test_what_a_sweep_cannot_finish_does_not_keep_the_rest_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_a_mess(world)
    library = world.restart()
    failures = 0

    def abandon(announcement: object) -> None:
        nonlocal failures
        failures += 1
        raise OSError("S3 is away")

    with monkeypatch.context() as patched:
        patched.setattr(world.backend.writing, "abandon", abandon)
        report = library.sweep()
    assert failures > 0
    assert report.deletions_finished == 1
    assert report.restarted > 0
    recover(world)


def leave_a_mess(world: World) -> None:
    """A kill in the midst of each operation, with no sweep between them."""
    kept = world.library.create_composition(CALLER, new_composition()).composition.id
    deleted = world.library.create_composition(CALLER, new_composition()).composition.id
    for operation, write in (
        (partial(world.library.create_composition, CALLER, new_composition()), 1),
        (partial(world.library.create_composition, CALLER, new_composition()), 3),
        (partial(world.library.update_composition, CALLER, kept, edits=EDITS), 2),
        (partial(world.library.create_audio, CALLER, kept, format="WAV"), 1),
        (partial(world.library.delete_composition, CALLER, deleted), 2),
    ):
        with pytest.raises(Killed), world.kill_before_write(write):
            operation()


def test_a_function_whose_input_is_deleted_before_it_reads_it_ends_quietly(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    get = world.backend.objects.get

    def get_after_a_deletion(key: str) -> bytes:
        world.library.delete_composition(CALLER, key.split("/")[1])
        return get(key)

    world.functions.mode = "keep"
    created(world)
    world.backend.objects.get = get_after_a_deletion  # type: ignore[method-assign]
    world.functions.run_kept()
    world.assert_consistent()
    assert not caplog.records


def test_the_sweep_leaves_alone_what_began_after_the_library(world: World) -> None:
    world.functions.mode = "keep"
    created = world.library.create_composition(CALLER, new_composition())
    report = world.library.sweep()
    assert report.restarted == 0
    assert len(world.functions.kept) == 1
    world.functions.run_kept()
    assert world.library.get_composition(CALLER, created.composition.id).composition.status is Status.COMPLETED


def test_what_is_interrupted_again_and_again_fails_at_last(world: World) -> None:
    world.functions.mode = "keep"
    composition_id = world.library.create_composition(CALLER, new_composition()).composition.id
    assert world.restart().sweep().restarted == 1
    assert world.restart().sweep().restarted == 1
    assert world.restart().sweep().failed == 1
    failed = world.library.get_composition(CALLER, composition_id).composition
    assert failed.status is Status.FAILED
    assert failed.status_reason
    world.assert_consistent()


def test_what_cannot_be_restarted_for_want_of_room_fails(world: World) -> None:
    world.functions.mode = "keep"
    composition_id = world.library.create_composition(CALLER, new_composition()).composition.id
    world.functions.mode = "full"
    assert world.restart().sweep().failed == 1
    assert world.library.get_composition(CALLER, composition_id).composition.status is Status.FAILED
