"""GetComposition, and the views that every other operation answers with."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from service.caller import Caller
from service.library.backend import Backend, no_revision
from service.library.views import AudioView, CompositionView, Downloads
from service.resources import Audio, Composition, Revision, Status
from service.storage.items import StoredComposition

DEFAULT_LINK_LIFE = timedelta(minutes=15)

# Seconds between looks at something in progress: a twentieth of what it has taken so far, within these bounds, so that
# nobody waits much longer than the work takes.
SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 0.25
PAUSE_SHARE = 0.05

T = TypeVar("T")


def get(
    backend: Backend,
    caller: Caller,
    composition_id: str,
    *,
    revision: int | None,
    include_output_midi: bool,
    link_life: timedelta,
) -> CompositionView:
    stored = backend.find(caller.account, composition_id)
    chosen = revision_of(backend, stored, revision)
    output = backend.music(composition_id, chosen.midi_key) if include_output_midi and chosen else None
    return view(backend, stored, chosen, link_life=link_life, output_midi=output)


def revision_of(backend: Backend, stored: StoredComposition, number: int | None) -> Revision | None:
    """The revision of this number, or the newest one, or None while there is none.

    Raises ResourceNotFoundException when a number is given that the composition has not reached.
    """
    if number is None:
        return stored.newest
    composition = stored.composition
    reached = 1 <= number <= composition.revision
    chosen = backend.metadata.revision(composition.account, composition.id, number) if reached else None
    if chosen is None:
        raise no_revision(composition.id, number)
    return chosen


def view(
    backend: Backend,
    stored: StoredComposition,
    revision: Revision | None,
    *,
    link_life: timedelta = DEFAULT_LINK_LIFE,
    output_midi: bytes | None = None,
) -> CompositionView:
    """The composition with one of its revisions, that revision's renderings, and links to all of it."""
    composition = stored.composition
    audios: tuple[AudioView, ...] = ()
    if stored.audio_count and revision:
        audios = tuple(
            audio_view(backend, audio, composition.name, link_life)
            for audio in backend.audios.audios_of(composition.account, composition.id)
            if audio.revision == revision.number
        )
    downloads = _downloads(backend, composition, revision, link_life) if stored.input_stored else None
    return CompositionView(composition, revision, audios, downloads, output_midi)


def audio_view(backend: Backend, audio: Audio, name: str, link_life: timedelta) -> AudioView:
    if audio.status is not Status.COMPLETED:
        return AudioView(audio)
    link = backend.objects.link(audio.key, f"{name}.{audio.format.lower()}", link_life, backend.now())
    return AudioView(audio, link.url, link.expires)


def await_final(backend: Backend, read: Callable[[], T], status: Callable[[T], Status]) -> T:
    """Looks again and again until what is read has a final status, or the wait budget is over."""
    began = backend.monotonic()
    while True:
        found = read()
        waited = backend.monotonic() - began
        left = backend.limits.wait.total_seconds() - waited
        if status(found).is_final or left <= 0:
            return found
        pause = min(max(SHORTEST_PAUSE, waited * PAUSE_SHARE), LONGEST_PAUSE)
        backend.sleep(min(pause, left))


def _downloads(
    backend: Backend, composition: Composition, revision: Revision | None, link_life: timedelta
) -> Downloads:
    files = [(composition.input_key, f"{composition.name} (input).mid")]
    if revision is not None:
        files.append((revision.midi_key, f"{composition.name}.mid"))
    links = backend.objects.links(files, link_life, backend.now())
    return Downloads(links[0].url, links[1].url if revision else None, links[0].expires)
