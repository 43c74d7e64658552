"""Writing and deleting what lies in S3 and DynamoDB at once, so that a kill at any moment leaves nothing astray.

Writing follows the three steps told in service.storage.unfinished. Deleting goes the other way round: the mark first
(from then on the composition is gone for every reader and takes no change), then its objects, then its children, at
last its item. Each step may be repeated, so whoever finds the mark can finish the deletion.
"""

from collections.abc import Callable
from datetime import datetime

from service.resources import new_id
from service.storage.items import Announcement, StoredComposition
from service.storage.metadata import Metadata
from service.storage.objects import Objects
from service.storage.unfinished import Unfinished


class Writing:
    """Puts objects where metadata will point at them."""

    def __init__(self, unfinished: Unfinished, objects: Objects) -> None:
        self._unfinished = unfinished
        self._objects = objects

    def announce(self, account: str, composition_id: str, object_key: str, now: datetime) -> Announcement | None:
        """None when the composition is gone: then there is nothing to write for."""
        announcement = Announcement(account, composition_id, new_id(), object_key, now)
        return announcement if self._unfinished.announce(announcement) else None

    def store(self, announcement: Announcement, data: bytes, commit: Callable[[Announcement], bool]) -> bool:
        """Puts the announced object and commits. False when the commit was refused; then the object is gone again.

        When either step raises, it is unknown whether it took effect. The announcement stays, if it still exists, and
        the sweep decides.
        """
        self._objects.put(announcement.object_key, data)
        if commit(announcement):
            return True
        self.abandon(announcement)
        return False

    def abandon(self, announcement: Announcement) -> None:
        """Removes the object of an announcement that nothing will ever commit."""
        self._objects.delete(announcement.object_key)
        self._unfinished.withdraw(announcement)


class Deleting:
    """Removes a composition with everything that belongs to it."""

    def __init__(self, metadata: Metadata, objects: Objects) -> None:
        self._metadata = metadata
        self._objects = objects

    def delete(self, account: str, composition_id: str, now: datetime) -> bool:
        """False when there is no such composition."""
        if not self._metadata.begin_deletion(account, composition_id, now):
            return False
        self.finish(account, composition_id)
        return True

    def discard(self, stored: StoredComposition, now: datetime) -> None:
        """Removes a composition whose creation came to nothing, and frees its idempotency token."""
        composition = stored.composition
        if self._metadata.begin_deletion(composition.account, composition.id, now, free_token=stored.token):
            self.finish(composition.account, composition.id)

    def finish(self, account: str, composition_id: str) -> None:
        """The steps of a deletion after the mark."""
        self._objects.delete_all_of(composition_id)
        self._metadata.delete_children(account, composition_id)
        self._metadata.remove_composition(account, composition_id)
