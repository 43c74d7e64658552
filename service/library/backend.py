"""What every operation works with: the rooms below, the limits, and the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from service.errors import ResourceNotFoundException
from service.inference import Inference
from service.resources import ID_PATTERN
from service.storage.audio import AudioMetadata
from service.storage.cleanup import Deleting, Writing
from service.storage.items import StoredComposition
from service.storage.metadata import Metadata
from service.storage.objects import ObjectGone, Objects
from service.storage.registers import Registers
from service.storage.unfinished import Unfinished


@dataclass(frozen=True)
class Limits:
    """Quotas, and how long things may take or are kept."""

    compositions: int = 100_000  # an account
    revisions: int = 500  # a composition
    audios: int = 100  # a composition
    wait: timedelta = timedelta(seconds=5)  # how long CreateComposition and CreateAudio wait for the result
    token_life: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Backend:
    region: str
    metadata: Metadata
    audios: AudioMetadata
    registers: Registers
    unfinished: Unfinished
    objects: Objects
    writing: Writing
    deleting: Deleting
    inference: Inference
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic  # seconds, for waiting: the clock may be set while we wait
    sleep: Callable[[float], None] = time.sleep

    def find(self, account: str, composition_id: str) -> StoredComposition:
        """Raises ResourceNotFoundException when there is no such composition, or it is being deleted."""
        stored = self.metadata.composition(account, composition_id) if ID_PATTERN.fullmatch(composition_id) else None
        if stored is None or stored.deleting:
            raise no_composition(composition_id)
        return stored

    def music(self, composition_id: str, object_key: str) -> bytes:
        """The MIDI file under this key. Raises ResourceNotFoundException when its composition was just deleted."""
        try:
            return self.objects.get(object_key)
        except ObjectGone:
            raise no_composition(composition_id) from None


def no_composition(composition_id: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        f"No composition {composition_id}.", resource_id=composition_id, resource_type="composition"
    )


def no_revision(composition_id: str, number: int) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        f"The composition {composition_id} has no revision {number}.",
        resource_id=f"{composition_id}/{number}",
        resource_type="revision",
    )
