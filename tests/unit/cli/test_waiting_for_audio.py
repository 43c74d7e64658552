"""A rendering that takes longer than one answer is waited for, whatever became of others of the same music."""

from typing import Any

import click
import pytest

from service.cli import render
from service.cli.render import rendered

IN_PROGRESS = {"audioId": "a", "compositionId": "c", "revision": 2, "status": "IN_PROGRESS"}
FAILED_EARLIER = {"audioId": "b", "compositionId": "c", "revision": 2, "status": "FAILED"}


class Client:
    """Answers CreateAudio with a rendering in progress, and then GetComposition with these states of it."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)

    def create_audio(self, **request: Any) -> dict[str, Any]:
        assert request == {"compositionId": "c", "format": "MP3"}
        return {"audio": IN_PROGRESS}

    def get_composition(self, **request: Any) -> dict[str, Any]:
        assert request == {"compositionId": "c", "revision": 2, "includeOutputMidi": False}
        return {"composition": {"audios": [FAILED_EARLIER, IN_PROGRESS | self.states.pop(0)]}}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "PAUSE_SECONDS", 0)


def test_a_long_rendering_is_waited_for() -> None:
    client = Client({}, {"status": "COMPLETED", "url": "http://localhost/a.mp3"})
    assert rendered(client, compositionId="c", format="MP3")["url"] == "http://localhost/a.mp3"
    assert client.states == []


def test_a_rendering_that_fails_says_why() -> None:
    with pytest.raises(click.ClickException, match="too long to render"):
        rendered(Client({"status": "FAILED", "statusReason": "too long to render"}), compositionId="c", format="MP3")
