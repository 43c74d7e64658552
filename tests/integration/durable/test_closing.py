"""The end of a hosting while requests are still on their way: whoever stops a server twice does not wait for them."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra.local.http import LocalRequest, LocalResponse
from infra.local.moto_host import Answer
from tests.integration.durable.small_world import SmallWorld

SECONDS = 10


class Slow:
    """IAM whose answers to writes are held back, in their turn, until `go_on`."""

    def __init__(self) -> None:
        self.has_answered, self.go_on = threading.Event(), threading.Event()

    def handle(self, request: LocalRequest, region: str, answer: Answer) -> LocalResponse:
        answered = answer(request)
        self.has_answered.set()
        self.go_on.wait(SECONDS)
        return answered


@pytest.fixture
def world(tmp_path: Path) -> SmallWorld:
    world = SmallWorld(tmp_path)
    world.client("iam").create_user(UserName="ada")
    return world


def started(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def users_after_a_restart(world: SmallWorld, tmp_path: Path) -> list[str]:
    world.folder.close()
    again = SmallWorld(tmp_path)
    names = [user["UserName"] for user in again.client("iam").list_users()["Users"]]
    again.close()
    return names


def test_a_write_that_is_under_way_is_stored_before_the_hosting_ends(world: SmallWorld, tmp_path: Path) -> None:
    slow = Slow()
    world.host.put_in_front("iam", slow.handle)
    writer = started(lambda: world.client("iam").create_user(UserName="bob"))
    assert slow.has_answered.wait(SECONDS)
    closing = started(world.host.close)
    closing.join(0.1)
    slow.go_on.set()
    writer.join(SECONDS)
    closing.join(SECONDS)
    assert users_after_a_restart(world, tmp_path) == ["ada", "bob"]


def test_a_write_whose_turn_comes_after_the_end_is_refused(world: SmallWorld, tmp_path: Path) -> None:
    told: list[str] = []

    def write() -> None:
        with pytest.raises(ClientError) as caught:
            world.client("iam").create_user(UserName="bob")
        told.append(caught.value.response["Error"]["Code"])

    store = world.folder.store
    with store.quiet():
        writer = started(write)
        while not store._waiting:
            writer.join(0.001)
        world.host.close()
    writer.join(SECONDS)
    assert told == ["ServiceUnavailable"]
    assert users_after_a_restart(world, tmp_path) == ["ada"]
