"""What the functions do: make the music that was asked for, and store it, or the reason why there is none.

An invocation may come twice, or late, or for something that has been deleted meanwhile. Each of these ends quietly:
only what is still IN_PROGRESS is made, and only what is still IN_PROGRESS when it is ready becomes COMPLETED.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.library.backend import Backend
from service.library.facts import facts, reported
from service.music.midi import read_midi, write_midi
from service.music.score import Score
from service.resources import Audio, Composition, Revision, Status
from service.storage.objects import ObjectGone, new_object_key

MAX_REASON = 1024  # characters
UNEXPECTED_COMPOSITION = "The composition could not be made."
UNEXPECTED_AUDIO = "The audio could not be rendered."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Composed:
    """New music, and what the model says it did to the input."""

    score: Score
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Rendered:
    """A sound file, its length in seconds, and the SoundFont that its instruments come from."""

    data: bytes
    seconds: float
    sound_font: str


Compose = Callable[[Composition, Score], Composed]
Render = Callable[[Score, str], Rendered]


def compose(backend: Backend, account: str, composition_id: str, make: Compose) -> None:
    """Makes the composition. A ValueError of `make` says why it cannot be made, in words for the caller."""
    stored = backend.metadata.composition(account, composition_id)
    if stored is None or stored.deleting or stored.composition.status.is_final:
        return
    composition = stored.composition
    try:
        composed = make(composition, read_midi(backend.objects.get(composition.input_key)))
        midi = write_midi(composed.score)
        told = facts(composed.score, reported(composed.report))
    except ObjectGone:
        return
    except ValueError as error:
        composition_failed(backend, account, composition_id, str(error))
        return
    except Exception:
        logger.exception("composition %s failed", composition_id)
        composition_failed(backend, account, composition_id, UNEXPECTED_COMPOSITION)
        return
    now = backend.now()
    revision = Revision(1, now, new_object_key(composition_id, "revision-00001", "mid"), told)
    if announcement := backend.writing.announce(account, composition_id, revision.midi_key, now):
        backend.writing.store(announcement, midi, lambda it: backend.metadata.complete_composition(it, revision))


def composition_failed(backend: Backend, account: str, composition_id: str, reason: str) -> None:
    backend.metadata.fail_composition(account, composition_id, reason[:MAX_REASON], backend.now())


def render(backend: Backend, account: str, composition_id: str, audio_id: str, make: Render) -> None:
    """Renders a composition. A ValueError of `make` says why it cannot be rendered, in words for the caller."""
    audio = backend.audios.audio(account, composition_id, audio_id)
    if audio is None or audio.status.is_final:
        return
    revision = backend.metadata.revision(account, composition_id, audio.revision)
    if revision is None:
        return  # the composition is being deleted
    try:
        rendered = make(read_midi(backend.objects.get(revision.midi_key)), audio.format)
    except ObjectGone:
        return
    except ValueError as error:
        audio_failed(backend, account, composition_id, audio_id, str(error))
        return
    except Exception:
        logger.exception("audio %s of composition %s failed", audio_id, composition_id)
        audio_failed(backend, account, composition_id, audio_id, UNEXPECTED_AUDIO)
        return
    _store(backend, audio, rendered)


def audio_failed(backend: Backend, account: str, composition_id: str, audio_id: str, reason: str) -> None:
    backend.audios.fail(account, composition_id, audio_id, reason[:MAX_REASON])


def _store(backend: Backend, audio: Audio, rendered: Rendered) -> None:
    key = new_object_key(audio.composition_id, f"audio-{audio.id}", audio.format.lower())
    outcome = replace(
        audio,
        status=Status.COMPLETED,
        key=key,
        sound_font=rendered.sound_font,
        seconds=rendered.seconds,
        size=len(rendered.data),
    )
    if announcement := backend.writing.announce(audio.account, audio.composition_id, key, backend.now()):
        backend.writing.store(announcement, rendered.data, lambda it: backend.audios.complete(it, outcome))
