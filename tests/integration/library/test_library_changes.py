import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from library_world import CALLER, STRANGER, World, created, fields_of

from service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from service.library import Backend
from service.music.edits import Edit, EditOp
from service.music.midi import read_midi
from service.resources import new_id
from service.storage.items import StoredComposition

TEMPO_90 = (Edit(EditOp.SET_TEMPO, bpm=90),)


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


def test_an_update_answers_with_its_own_revision_though_another_came_after(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    composition_id = created(world)
    find = Backend.find
    finds = 0

    def find_after_another_update(backend: Backend, account: str, asked: str) -> StoredComposition:
        nonlocal finds
        finds += 1
        if finds == 2:
            world.library.update_composition(CALLER, composition_id, edits=(Edit(EditOp.SET_TEMPO, bpm=60),))
        return find(backend, account, asked)

    monkeypatch.setattr(Backend, "find", find_after_another_update)
    view = world.library.update_composition(CALLER, composition_id, edits=TEMPO_90)
    assert view.composition.revision == 3
    assert view.revision is not None
    assert (view.revision.number, view.revision.facts["tempo"]) == (2, 90)
    assert view.output_midi is not None
    assert read_midi(view.output_midi).tempos[0].bpm == pytest.approx(90)


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
    put = world.backend.objects.put

    def put_after_a_deletion(key: str, data: bytes) -> None:
        world.library.delete_composition(CALLER, key.split("/")[1])
        put(key, data)

    world.backend.objects.put = put_after_a_deletion  # type: ignore[method-assign]
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
