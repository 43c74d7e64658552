"""Creations that wait for their result must not keep anything else waiting."""

import asyncio
import json
import threading
from typing import Any

from answer import Answer
from api_driver import COMPOSITION_ID, ROOT, VIEW, ApiDriver, LibraryDouble

from service.api.waiting import MAX_WAITING
from service.caller import Caller
from service.library.views import CompositionView, NewComposition

NEW = json.dumps({"name": "Ode", "modelId": "ar-cnn-bach", "sampleMelodyId": "ode-to-joy"}).encode()


class SlowLibrary(LibraryDouble):
    """Creations end when they are released."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()

    def create_composition(self, caller: Caller, new: NewComposition) -> CompositionView:
        self.begun.release()
        self.release.wait(60)
        return VIEW


def test_reads_are_answered_while_as_many_creations_wait_as_may() -> None:
    library = SlowLibrary()
    driver = ApiDriver(library)

    def post() -> Any:
        return driver.send_async("POST", "/compositions", NEW)

    async def scenario() -> tuple[list[Answer], Answer, Answer]:
        creations = [asyncio.create_task(post()) for _ in range(MAX_WAITING)]
        for _ in creations:
            await asyncio.to_thread(library.begun.acquire)
        read = await driver.send_async("GET", f"/compositions/{COMPOSITION_ID}")
        refused = await post()
        library.release.set()
        return await asyncio.gather(*creations), read, refused

    created, read, refused = driver.runner.run(scenario())
    driver.close()
    assert read.status == 200
    assert (refused.status, refused.error) == (429, "ThrottlingException")
    assert {answer.status for answer in created} == {200}
    assert library.calls[0][1] == (ROOT, COMPOSITION_ID)
