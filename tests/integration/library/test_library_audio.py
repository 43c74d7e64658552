from urllib.parse import urlsplit

import pytest
from library_world import CALLER, World, new_composition

from service.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ThrottlingException,
    ValidationException,
)
from service.library import Rendered
from service.music.edits import Edit, EditOp
from service.music.score import Score
from service.resources import Status, new_id


@pytest.fixture
def composition_id(world: World) -> str:
    return world.library.create_composition(CALLER, new_composition()).composition.id


def test_a_rendering_is_answered_with_a_link_to_it(world: World, composition_id: str) -> None:
    view = world.library.create_audio(CALLER, composition_id, format="MP3")
    assert view.audio.status is Status.COMPLETED
    assert view.audio.sound_font == "No SoundFont"
    assert view.audio.seconds == 4
    assert view.url is not None
    assert view.expires_at is not None
    key = urlsplit(view.url).path.removeprefix(f"/{world.name}/")
    stored = world.s3.get_object(Bucket=world.name, Key=key)
    assert stored["Body"].read() == b"MP3 of 9 notes"
    assert stored["ContentType"] == "audio/mpeg"
    assert view.audio.size == len(b"MP3 of 9 notes")


def test_a_composition_shows_the_renderings_of_the_revision_it_shows(world: World, composition_id: str) -> None:
    first = world.library.create_audio(CALLER, composition_id, format="MP3")
    world.library.update_composition(CALLER, composition_id, edits=(Edit(EditOp.SET_TEMPO, bpm=60),))
    second = world.library.create_audio(CALLER, composition_id, format="WAV")
    third = world.library.create_audio(CALLER, composition_id, format="WAV", revision=1)
    newest = world.library.get_composition(CALLER, composition_id)
    oldest = world.library.get_composition(CALLER, composition_id, revision=1)
    assert [view.audio.id for view in newest.audios] == [second.audio.id]
    assert [view.audio.id for view in oldest.audios] == [first.audio.id, third.audio.id]
    assert second.audio.seconds == 8


def test_a_rendering_that_takes_longer_is_in_progress(world: World, composition_id: str) -> None:
    world.functions.mode = "keep"
    view = world.library.create_audio(CALLER, composition_id, format="MP3")
    assert (view.audio.status, view.url) == (Status.IN_PROGRESS, None)
    world.functions.run_kept()
    assert world.library.get_composition(CALLER, composition_id).audios[0].audio.status is Status.COMPLETED
    world.assert_consistent()


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ValueError("Too long to render."), "Too long to render."), (OSError(), "The audio could not be rendered.")],
)
def test_a_failed_rendering_says_why(world: World, composition_id: str, error: Exception, reason: str) -> None:
    def render(score: Score, format: str) -> Rendered:
        raise error

    world.functions.render = render
    audio = world.library.create_audio(CALLER, composition_id, format="MP3").audio
    assert (audio.status, audio.status_reason) == (Status.FAILED, reason)
    world.assert_consistent()


def test_the_same_token_gets_the_same_rendering(world: World, composition_id: str) -> None:
    first = world.library.create_audio(CALLER, composition_id, format="MP3", client_request_token="once")
    again = world.library.create_audio(CALLER, composition_id, format="MP3", client_request_token="once")
    assert again.audio == first.audio
    with pytest.raises(ConflictException):
        world.library.create_audio(CALLER, composition_id, format="WAV", client_request_token="once")


def test_a_full_queue_is_throttling_and_leaves_nothing_behind(world: World, composition_id: str) -> None:
    world.functions.mode = "full"
    with pytest.raises(ThrottlingException):
        world.library.create_audio(CALLER, composition_id, format="MP3", client_request_token="once")
    world.assert_consistent()
    assert world.library.get_composition(CALLER, composition_id).audios == ()
    world.functions.mode = "run"
    world.library.create_audio(CALLER, composition_id, format="MP3", client_request_token="once")
    world.assert_consistent()


def test_the_quota_of_renderings_holds(world: World, composition_id: str) -> None:
    world.restart(audios=1)
    world.library.create_audio(CALLER, composition_id, format="MP3")
    with pytest.raises(ServiceQuotaExceededException):
        world.library.create_audio(CALLER, composition_id, format="MP3")


def test_what_cannot_be_rendered_is_refused(world: World, composition_id: str) -> None:
    with pytest.raises(ValidationException):
        world.library.create_audio(CALLER, composition_id, format="OGG")
    with pytest.raises(ResourceNotFoundException):
        world.library.create_audio(CALLER, composition_id, format="MP3", revision=2)
    with pytest.raises(ResourceNotFoundException):
        world.library.create_audio(CALLER, new_id(), format="MP3")
    world.functions.mode = "keep"
    unfinished = world.library.create_composition(CALLER, new_composition()).composition.id
    with pytest.raises(ConflictException):
        world.library.create_audio(CALLER, unfinished, format="MP3")


def test_a_composition_deleted_while_it_is_rendered_leaves_nothing(world: World, composition_id: str) -> None:
    def render(score: Score, format: str) -> Rendered:
        world.library.delete_composition(CALLER, composition_id)
        return Rendered(b"sound", 1.0, "Any")

    world.functions.render = render
    with pytest.raises(ResourceNotFoundException):
        world.library.create_audio(CALLER, composition_id, format="MP3")
    world.assert_consistent()
    assert world.object_keys() == set()


def test_a_composition_deleted_just_before_its_audio_is_stored_is_not_found(world: World, composition_id: str) -> None:
    deletion = {0: lambda: world.library.delete_composition(CALLER, composition_id)}
    with world.before_writes(deletion), pytest.raises(ResourceNotFoundException):
        world.library.create_audio(CALLER, composition_id, format="MP3")
    world.assert_consistent()


def test_the_failure_of_a_rendering_is_told_to_its_audio(world: World, composition_id: str) -> None:
    world.functions.mode = "keep"
    audio = world.library.create_audio(CALLER, composition_id, format="MP3").audio
    world.library.audio_failed(CALLER.account, composition_id, audio.id, "The process ended.")
    (view,) = world.library.get_composition(CALLER, composition_id).audios
    assert (view.audio.status, view.audio.status_reason) == (Status.FAILED, "The process ended.")
    world.functions.run_kept()
    (view,) = world.library.get_composition(CALLER, composition_id).audios
    assert view.audio.status is Status.FAILED
    world.assert_consistent()
