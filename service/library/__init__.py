"""The behaviour of every operation, behind one class: the API's routes and the functions only call this.

creating.py, reading.py, updating.py, rendering.py, tagging.py and coupons.py hold the operations, making.py what the
compose and render functions do, sweeping.py what is done after a crash.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property

from service.caller import Caller
from service.library import coupons, creating, making, reading, rendering, sweeping, tagging, updating
from service.library.backend import Backend, Limits
from service.library.making import Compose, Composed, Render, Rendered
from service.library.views import AudioView, CompositionView, Downloads, NewComposition, SweepReport
from service.music.edits import Edit
from service.resources import ID_PATTERN, Arn, Composition

__all__ = [
    "AudioView",
    "Backend",
    "Composed",
    "CompositionView",
    "Downloads",
    "Library",
    "Limits",
    "NewComposition",
    "Rendered",
    "SweepReport",
]


class Library:
    """One method per operation. All raise the errors of service.errors; `caller.account` is whose things they are."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._built = backend.now()

    # Compositions

    def create_composition(self, caller: Caller, new: NewComposition) -> CompositionView:
        """The new composition, COMPLETED if the result came within the wait budget."""
        return creating.create(self._backend, caller, new)

    def get_composition(
        self,
        caller: Caller,
        composition_id: str,
        *,
        revision: int | None = None,
        include_output_midi: bool = True,
        url_seconds: int = 900,
    ) -> CompositionView:
        """A composition with its newest revision, or the one asked for; links live `url_seconds` at most."""
        return reading.get(
            self._backend,
            caller,
            composition_id,
            revision=revision,
            include_output_midi=include_output_midi,
            link_life=timedelta(seconds=url_seconds),
        )

    def list_compositions(
        self, caller: Caller, *, limit: int, after: str | None = None
    ) -> tuple[list[Composition], str | None]:
        """At most `limit` compositions, newest first; and the id to pass as `after` for the next page, if any."""
        return self._backend.metadata.list_compositions(caller.account, limit, after)

    def update_composition(
        self,
        caller: Caller,
        composition_id: str,
        *,
        name: str | None = None,
        edits: tuple[Edit, ...] = (),
        expected_revision: int | None = None,
    ) -> CompositionView:
        """The composition after the change. `output_midi` is there when edits made a new revision."""
        return updating.update(
            self._backend, caller, composition_id, name=name, edits=edits, expected_revision=expected_revision
        )

    def delete_composition(self, caller: Caller, composition_id: str) -> None:
        updating.delete(self._backend, caller, composition_id)

    # Audio

    def create_audio(
        self,
        caller: Caller,
        composition_id: str,
        *,
        format: str,
        revision: int | None = None,
        client_request_token: str | None = None,
        url_seconds: int = 900,
    ) -> AudioView:
        """The new rendering, COMPLETED if the result came within the wait budget."""
        return rendering.create(
            self._backend,
            caller,
            composition_id,
            format=format,
            revision=revision,
            client_request_token=client_request_token,
            link_life=timedelta(seconds=url_seconds),
        )

    # Tags

    def tag_resource(self, caller: Caller, arn: Arn, tags: Mapping[str, str]) -> None:
        tagging.tag(self._backend, caller, arn, tags)

    def untag_resource(self, caller: Caller, arn: Arn, keys: tuple[str, ...]) -> None:
        tagging.untag(self._backend, caller, arn, keys)

    def list_tags(self, caller: Caller, arn: Arn) -> dict[str, str]:
        return tagging.list_tags(self._backend, caller, arn)

    def resource_tags(self, account: str, arn: Arn) -> Mapping[str, str] | None:
        """The tags that authorization sees; None when the resource does not exist or cannot have tags."""
        if arn.type != "composition" or (arn.account, arn.region) != (account, self._backend.region):
            return None
        if not ID_PATTERN.fullmatch(arn.id):
            return None
        stored = self._backend.metadata.composition(account, arn.id)
        return None if stored is None or stored.deleting else stored.composition.tags

    # Others

    def associate_coupon(self, caller: Caller, serial: str) -> datetime:
        """When the keyboard with this serial number was first registered to the caller's account."""
        return coupons.associate(self._backend, caller, serial)

    def token_secret(self) -> bytes:
        """The secret that page tokens are sealed with: the same for every server on these tables."""
        return self._page_token_secret

    @cached_property
    def _page_token_secret(self) -> bytes:
        return self._backend.registers.secret("page-token")

    # The functions' side

    def make_composition(self, account: str, composition_id: str, make: Compose) -> None:
        making.compose(self._backend, account, composition_id, make)

    def composition_failed(self, account: str, composition_id: str, reason: str) -> None:
        making.composition_failed(self._backend, account, composition_id, reason)

    def make_audio(self, account: str, composition_id: str, audio_id: str, make: Render) -> None:
        making.render(self._backend, account, composition_id, audio_id, make)

    def audio_failed(self, account: str, composition_id: str, audio_id: str, reason: str) -> None:
        making.audio_failed(self._backend, account, composition_id, audio_id, reason)

    # After a crash

    def sweep(self, older_than: timedelta = timedelta(0)) -> SweepReport:
        """Finishes what a crash left behind, as far as it is older than this library and than `older_than`.

        Locally, where one process serves at a time, the default is right. On AWS give more than the longest time a
        function may run.
        """
        return sweeping.sweep(self._backend, min(self._built, self._backend.now() - older_than))
