"""Where operations run: what only reads single items on the event loop, everything else in threads."""

import threading
from typing import Any

import pytest
from api_driver import COMPOSITION_ARN, COMPOSITION_ID, ApiDriver, LibraryDouble


class Watched(LibraryDouble):
    """Remembers which thread asked."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[threading.Thread] = []

    def _asked(self, operation: str, *positional: Any, **named: Any) -> None:
        self.threads.append(threading.current_thread())


def ran_on_the_event_loop(method: str, path: str, body: Any = None, query: str = "") -> bool:
    library = Watched()
    driver = ApiDriver(library)
    assert driver.send(method, path, body, query=query).status == 200
    driver.close()
    (thread,) = library.threads
    return thread is threading.current_thread()  # which the driver's event loop runs in


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", f"/compositions/{COMPOSITION_ID}", "includeOutputMidi=false"),
        ("GET", f"/tags/{COMPOSITION_ARN}", ""),
    ],
)
def test_a_read_of_a_single_item_is_answered_on_the_event_loop(method: str, path: str, query: str) -> None:
    assert ran_on_the_event_loop(method, path, query=query)


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("GET", f"/compositions/{COMPOSITION_ID}", None, ""),  # fetches the MIDI file
        ("GET", "/compositions", None, ""),
        ("POST", f"/tags/{COMPOSITION_ARN}", {"tags": [{"key": "a", "value": "b"}]}, ""),
        ("DELETE", f"/tags/{COMPOSITION_ARN}", None, "tagKeys=a"),
        ("DELETE", f"/compositions/{COMPOSITION_ID}", None, ""),
    ],
)
def test_what_may_take_its_time_leaves_the_event_loop_free(method: str, path: str, body: Any, query: str) -> None:
    assert not ran_on_the_event_loop(method, path, body, query)
