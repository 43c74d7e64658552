"""Finishes what a crash left half done, found by the `unfinished` index.

Announced objects first: whatever was not committed goes. Then deletions are carried to their end, compositions whose
input never arrived are removed (nobody was told of them), and what was asked for but never came is asked for again, a
few times; then it has failed.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from service.errors import ThrottlingException
from service.library.backend import Backend
from service.library.making import audio_failed, composition_failed
from service.library.views import SweepReport
from service.resources import Audio
from service.storage.items import StoredComposition, audio_key, composition_key
from service.storage.unfinished import COMPOSING, RENDERING

RESTARTS = 2
INTERRUPTED = "The service was interrupted too often while it worked on this. Please create it anew."
TOO_BUSY = "The service was interrupted while it worked on this, and is too busy to start over. Please create it anew."

logger = logging.getLogger(__name__)


def sweep(backend: Backend, until: datetime) -> SweepReport:
    """Finishes everything that has waited since `until` or longer.

    Nobody may still be working on anything that old: `until` lies before the start of the process where there is only
    one, and further back than the longest time a function or a request may take where there are many.
    """
    done: Counter[str] = Counter()
    for announcement in backend.unfinished.announcements(until):
        with _going_on(announcement.composition_id):
            backend.writing.abandon(announcement)
            done["objects_removed"] += 1
    for stored in backend.unfinished.deletions(until):
        with _going_on(stored.composition.id):
            backend.deleting.finish(stored.composition.account, stored.composition.id)
            done["deletions_finished"] += 1
    for stored in backend.unfinished.compositions(until):
        with _going_on(stored.composition.id):
            done[_resume_composition(backend, stored)] += 1
    for audio, attempts in backend.unfinished.renderings(until):
        with _going_on(audio.composition_id):
            done[_resume_rendering(backend, audio, attempts)] += 1
    done.pop("", None)
    return SweepReport(**done)


@contextmanager
def _going_on(composition_id: str) -> Iterator[None]:
    """What cannot be finished now waits for the next sweep, and does not keep the others waiting."""
    try:
        yield
    except Exception:
        logger.exception("the sweep could not finish composition %s", composition_id)


def _resume_composition(backend: Backend, stored: StoredComposition) -> str:
    """What became of the composition, as a field of SweepReport; empty when it went on by itself."""
    composition = stored.composition
    account, composition_id = composition.account, composition.id
    if not stored.input_stored:
        backend.deleting.discard(stored, backend.now())
        return "creations_undone"
    if stored.attempts >= RESTARTS:
        composition_failed(backend, account, composition_id, INTERRUPTED)
        return "failed"
    if not backend.unfinished.restart(composition_key(account, composition_id), COMPOSING, backend.now()):
        return ""
    try:
        backend.inference.compose(composition)
    except ThrottlingException:
        composition_failed(backend, account, composition_id, TOO_BUSY)
        return "failed"
    return "restarted"


def _resume_rendering(backend: Backend, audio: Audio, attempts: int) -> str:
    account, composition_id = audio.account, audio.composition_id
    if attempts >= RESTARTS:
        audio_failed(backend, account, composition_id, audio.id, INTERRUPTED)
        return "failed"
    if not backend.unfinished.restart(audio_key(account, composition_id, audio.id), RENDERING, backend.now()):
        return ""
    try:
        stored = backend.metadata.composition(account, composition_id)
        backend.inference.render(audio, stored.composition.owner if stored else account)
    except ThrottlingException:
        audio_failed(backend, account, composition_id, audio.id, TOO_BUSY)
        return "failed"
    return "restarted"
