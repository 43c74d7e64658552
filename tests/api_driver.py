"""Sends requests to the API without a socket, and stands in for the library where only the edge is under test."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from answer import Answer

from service.api.app import create_app
from service.api.auth import Authorizer, only_root
from service.caller import Caller, PrincipalType
from service.library.views import AudioView, CompositionView, Downloads, NewComposition
from service.resources import Arn, Audio, Composition, InputSource, ModelType, Revision, Status

ACCOUNT = "123456789012"
REGION = "us-east-1"
NOON = datetime(2026, 1, 2, 12, 0, 0, 250_000, tzinfo=UTC)
COMPOSITION_ID = "01h0000000000000000000000a"
COMPOSITION_ARN = f"arn:aws:deepcomposer:{REGION}:{ACCOUNT}:composition/{COMPOSITION_ID}"

ROOT = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, PrincipalType.ROOT, "AKIAROOT")
USER = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ana", "AIDAANA", PrincipalType.USER, "AKIAANA")

NO_HEADERS: Mapping[str, str] = {}

COMPOSITION = Composition(
    account=ACCOUNT,
    region=REGION,
    id=COMPOSITION_ID,
    name="Ode",
    status=Status.COMPLETED,
    created=NOON,
    updated=NOON,
    model_id="ar-cnn-bach",
    model_type=ModelType.SAMPLE,
    input_source=InputSource.SAMPLE,
    input_key="input.mid",
    parameters={"temperature": 1.5, "seed": 7},
    owner=ROOT.arn,
    sample_melody_id="ode-to-joy",
    locked=((0, 60),),
    tags={"project": "thesis"},
    revision=1,
)
REVISION = Revision(
    number=1,
    created=NOON,
    midi_key="output.mid",
    facts={
        "tempo": 120.0,
        "durationSeconds": 16.0,
        "bars": 8,
        "tracks": [{"name": "Soprano", "program": 52, "instrument": "Choir Aahs", "drum": False, "noteCount": 30}],
        "metrics": {"pitchesUsed": 5.25},
        "report": {"notesAdded": 90},
    },
)
AUDIO = Audio(ACCOUNT, REGION, "01h0000000000000000000000b", COMPOSITION_ID, 1, "MP3", Status.COMPLETED, NOON, "a.mp3")
VIEW = CompositionView(
    COMPOSITION,
    REVISION,
    (AudioView(AUDIO, "https://s3/a.mp3", NOON),),
    Downloads("https://s3/in.mid", "https://s3/out.mid", NOON),
    b"MThd",
)


@dataclass
class LibraryDouble:
    """Answers every operation with the same things, and remembers what it was asked for."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    failure: Exception | None = None
    last_id: str | None = None

    def _asked(self, operation: str, *positional: Any, **named: Any) -> None:
        self.calls.append((operation, positional, named))
        if self.failure is not None:
            raise self.failure

    def create_composition(self, caller: Caller, new: NewComposition) -> CompositionView:
        self._asked("create_composition", caller, new)
        return VIEW

    def get_composition(self, caller: Caller, composition_id: str, **named: Any) -> CompositionView:
        self._asked("get_composition", caller, composition_id, **named)
        return VIEW

    def list_compositions(self, caller: Caller, **named: Any) -> tuple[list[Composition], str | None]:
        self._asked("list_compositions", caller, **named)
        return [COMPOSITION], self.last_id

    def update_composition(self, caller: Caller, composition_id: str, **named: Any) -> CompositionView:
        self._asked("update_composition", caller, composition_id, **named)
        return VIEW

    def delete_composition(self, caller: Caller, composition_id: str) -> None:
        self._asked("delete_composition", caller, composition_id)

    def create_audio(self, caller: Caller, composition_id: str, **named: Any) -> AudioView:
        self._asked("create_audio", caller, composition_id, **named)
        return VIEW.audios[0]

    def tag_resource(self, caller: Caller, arn: Arn, tags: Mapping[str, str]) -> None:
        self._asked("tag_resource", caller, arn, tags)

    def untag_resource(self, caller: Caller, arn: Arn, keys: tuple[str, ...]) -> None:
        self._asked("untag_resource", caller, arn, keys)

    def list_tags(self, caller: Caller, arn: Arn) -> dict[str, str]:
        self._asked("list_tags", caller, arn)
        return {"project": "thesis"}

    def associate_coupon(self, caller: Caller, serial: str) -> datetime:
        self._asked("associate_coupon", caller, serial)
        return NOON

    def token_secret(self) -> bytes:
        return b"s" * 32


class ApiDriver:
    def __init__(self, library: LibraryDouble, authorizer: Authorizer = only_root) -> None:
        services = SimpleNamespace(library=library, settings=SimpleNamespace(region=REGION, account=ACCOUNT))
        self.app = create_app(services, authorizer)
        self.runner = asyncio.Runner()

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        caller: Caller | None = ROOT,
        content_type: str | None = "application/json",
        headers: Mapping[str, str] | None = None,
        scope: Mapping[str, Any] | None = None,
    ) -> Answer:
        """`body` is sent as it is when it is bytes, as JSON otherwise."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if content_type is not None:
            sent["content-type"] = content_type
        return self.runner.run(
            self.send_async(method, path, content, query=query, caller=caller, headers=sent, extra=scope or {})
        )

    async def send_async(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        *,
        query: str = "",
        caller: Caller | None = ROOT,
        headers: Mapping[str, str] = NO_HEADERS,
        extra: Mapping[str, Any] = NO_HEADERS,
    ) -> Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": None,
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 1),
            **extra,
        }
        if caller is not None:
            scope["chorale.caller"] = caller
        incoming = [{"type": "http.request", "body": content, "more_body": False}]
        outgoing: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            outgoing.append(message)

        await self.app(scope, receive, send)
        start, *parts = outgoing
        return Answer(
            start["status"],
            {name.decode().lower(): value.decode() for name, value in start["headers"]},
            b"".join(part.get("body", b"") for part in parts),
        )

    def close(self) -> None:
        self.runner.close()
