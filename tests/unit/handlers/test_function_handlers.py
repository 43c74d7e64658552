import subprocess
import sys
from typing import Any

import pytest

import handlers.compose
import handlers.render
from handlers.failure import reason_of
from service.bootstrap import Services

PAYLOAD = {"compositionId": "c", "audioId": "a", "account": "123456789012", "caller": "arn"}


class Library:
    """Remembers what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def services(library: Library) -> Services:
    return Services(settings=None, library=library)  # type: ignore[arg-type]


def record(message: str | None, condition: str = "RetriesExhausted") -> dict[str, Any]:
    response = {"errorMessage": message, "errorType": "Error"} if message is not None else None
    return {
        "version": "1.0",
        "requestContext": {"condition": condition},
        "requestPayload": PAYLOAD,
        "responseContext": {"functionError": "Unhandled"},
        "responsePayload": response,
    }


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (record("2026-11-20T08:00:00Z 1234 Task timed out after 300.00 seconds"), "longer than it may"),
        (record("RequestId: 1234 Error: Runtime exited with error: signal: killed"), "ended unexpectedly"),
        (record(None), "ended unexpectedly"),
        (record(None, "EventAgeExceeded"), "waited too long"),
    ],
)
def test_the_reason_of_a_failure_is_a_sentence(failure: dict[str, Any], words: str) -> None:
    assert words in reason_of(failure, "composition")


def test_a_dead_invocation_fails_its_composition(library: Library, services: Services) -> None:
    handlers.compose.on_failure(record("Task timed out"), services)
    ((name, account, composition_id, reason),) = library.calls
    assert (name, account, composition_id) == ("composition_failed", "123456789012", "c")
    assert "composition" in reason


def test_a_dead_invocation_fails_its_rendering(library: Library, services: Services) -> None:
    handlers.render.on_failure(record("Task timed out"), services)
    ((name, account, composition_id, audio_id, reason),) = library.calls
    assert (name, account, composition_id, audio_id) == ("audio_failed", "123456789012", "c", "a")
    assert "rendering" in reason


def test_each_function_makes_what_its_event_names(
    library: Library, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Configured:
        sound_font = None

    configured = Services(settings=Configured(), library=library)  # type: ignore[arg-type]
    monkeypatch.setattr(handlers.compose, "services_of_process", lambda: configured)
    monkeypatch.setattr(handlers.render, "services_of_process", lambda: configured)
    handlers.compose.handler(PAYLOAD, None)
    handlers.render.handler(PAYLOAD, None)
    assert [call[:-1] for call in library.calls] == [
        ("make_composition", "123456789012", "c"),
        ("make_audio", "123456789012", "c", "a"),
    ]


def test_the_entrances_load_neither_the_networks_nor_the_synthesizer() -> None:
    check = (
        "import sys, handlers.compose, handlers.render;"
        "sys.exit(', '.join({'torch', 'tinysoundfont', 'lameenc'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
