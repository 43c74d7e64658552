"""A library on its own table and bucket, functions that a test can hold back, and a kill before any write."""

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.http import LocalRequest, LocalResponse
from service.bootstrap import Settings, build_backend
from service.caller import Caller, PrincipalType
from service.errors import ValidationException
from service.library import Composed, Library, Limits, NewComposition, Rendered
from service.music.midi import write_midi
from service.music.score import Note, Score, Track
from service.resources import Composition, InputSource, ModelType

ACCOUNT = "123456789012"
REGION = "us-east-1"
TEMPLATE = Path(__file__).parents[3] / "infra" / "storage.yaml"

WRITES = frozenset(
    {
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "PutObject",
        "DeleteObject",
        "DeleteObjects",
        "Invoke",
    }
)

CALLER = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, PrincipalType.ROOT, "AKIAEXAMPLE")
STRANGER = Caller("999999999999", "arn:aws:iam::999999999999:root", "999999999999", PrincipalType.ROOT, "AKIAOTHER")

MELODY = Score((Track(tuple(Note(beat * 480, 60 + beat, 480) for beat in range(8)), name="Melody"),))
MELODY_MIDI = write_midi(MELODY)


class Killed(BaseException):
    """The process was killed here. Not an Exception, as no code may catch it."""


def kill() -> None:
    raise Killed


def add_a_bass(composition: Composition, melody: Score) -> Composed:
    """A composer good enough for storage: it adds one long note."""
    bass = Track((Note(0, 36, melody.end),), program=32, name="Bass")
    return Composed(melody.with_tracks([*melody.tracks, bass]), {"notesAdded": 1})


def render_nothing(score: Score, format: str) -> Rendered:
    return Rendered(f"{format} of {score.note_count} notes".encode(), score.seconds, "No SoundFont")


@dataclass
class Functions:
    """Lambda's Invoke. `mode`: run at once, keep for later, or refuse as full."""

    library: Library | None = None
    mode: str = "run"
    kept: deque[tuple[str, dict[str, Any]]] = field(default_factory=deque)
    compose: Any = add_a_bass
    render: Any = render_nothing

    def handle(self, request: LocalRequest) -> LocalResponse:
        if self.mode == "full":
            error = json.dumps({"Type": "User", "message": "Rate Exceeded."}).encode()
            return LocalResponse(429, (("x-amzn-errortype", "TooManyRequestsException"),), error)
        name = request.path.split("/")[3]
        self.kept.append((name, json.loads(request.body)))
        if self.mode == "run":
            self.run_kept()
        return LocalResponse(202, (), b"")

    def run_kept(self) -> None:
        assert self.library is not None
        while self.kept:
            name, event = self.kept.popleft()
            if name == "compose":
                self.library.make_composition(event["account"], event["compositionId"], self.compose)
            else:
                self.library.make_audio(event["account"], event["compositionId"], event["audioId"], self.render)


class Machine:
    """What all worlds of a module share, as it takes long to make: an account and the clients to it.

    `endpoint` is where they reach it; None leaves that to the session. Its Lambda is to be answered by `invoke`.
    """

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self.functions = Functions()
        self.plan: dict[int, Callable[[], None]] = {}
        self.writes = 0
        self._session: Any = session  # boto3's stubs know no handler that answers
        self._endpoint = endpoint
        for service in ("dynamodb", "s3", "lambda"):
            self._session.events.register_first(f"provide-client-params.{service}", self._count_write)
        self._clients: dict[str, Any] = {}

    def client(self, service: str, **arguments: Any) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service, endpoint_url=self._endpoint, **arguments)
        return self._clients[service]

    def get_credentials(self) -> Any:
        return self._session.get_credentials()

    def invoke(self, request: LocalRequest) -> LocalResponse:
        """Lambda's answer, from the functions of the newest world."""
        return self.functions.handle(request)

    def _count_write(self, model: Any, **_: Any) -> None:
        if not self.plan or model.name not in WRITES:
            return
        action = self.plan.get(self.writes)
        self.writes += 1
        if action is not None:
            plan, self.plan = self.plan, {}  # what happens in between is not counted
            try:
                action()
            finally:
                self.plan = plan


class World:
    """A table and a bucket of its own, and a library on them."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.functions = machine.functions = Functions()
        name = f"library-{uuid.uuid4().hex[:12]}"
        cloudformation = machine.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=TEMPLATE.read_text(),
            Parameters=[
                {"ParameterKey": "TableName", "ParameterValue": name},
                {"ParameterKey": "MusicBucketName", "ParameterValue": name},
            ],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
        self.name = name
        self.settings = Settings(
            region=REGION,
            account=ACCOUNT,
            table=name,
            music_bucket=name,
            compose_function="compose",
            render_function="render",
            public_endpoint="http://127.0.0.1:4242",
            limits=Limits(wait=timedelta(0)),
        )
        self.library = self.restart()
        self.dynamodb = machine.client("dynamodb")
        self.s3 = machine.client("s3")

    def restart(self, **limits: Any) -> Library:
        """A new process: whatever was queued is lost."""
        self.settings = replace(self.settings, limits=replace(self.settings.limits, **limits))
        self.functions.kept.clear()
        self.backend = build_backend(self.settings, self._machine)  # type: ignore[arg-type]
        return self._library_on_backend()

    def change_clocks(self, **clocks: Any) -> Library:
        """The same process with other clocks: `now`, `monotonic` or `sleep` of its backend."""
        self.backend = replace(self.backend, **clocks)
        return self._library_on_backend()

    def _library_on_backend(self) -> Library:
        self.library = self.functions.library = Library(self.backend)
        return self.library

    @contextmanager
    def kill_before_write(self, number: int) -> Iterator[None]:
        """Dies before the write of this number, counted from 0, whichever service it goes to."""
        with self.before_writes({number: kill}):
            yield

    @contextmanager
    def before_writes(self, plan: dict[int, Callable[[], None]]) -> Iterator[None]:
        """Something else happens before the writes of these numbers, counted from 0."""
        self._machine.writes, self._machine.plan = 0, plan
        try:
            yield
        finally:
            self._machine.plan = {}

    # What is really stored

    def items(self) -> list[dict[str, Any]]:
        return self.dynamodb.scan(TableName=self.name, ConsistentRead=True)["Items"]

    def object_keys(self) -> set[str]:
        return {found["Key"] for found in self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])}

    def assert_consistent(self) -> None:
        """Every object has its metadata, all metadata its object, and nothing is half done."""
        items = self.items()
        compositions = [item for item in items if item["pk"]["S"].endswith("#composition")]
        children = [item for item in items if "#composition#" in item["pk"]["S"]]
        ids = {item["sk"]["S"] for item in compositions}
        assert not [item for item in items if "unfinished" in item]
        assert {item["pk"]["S"].rpartition("#")[2] for item in children} <= ids
        assert self.object_keys() == _referenced(compositions, children)
        counted = [int(item["count"]["N"]) for item in items if item["pk"]["S"].endswith("#count")]
        assert (counted or [0]) == [len(compositions)]
        for item in compositions:
            of_it = [child for child in children if child["pk"]["S"].endswith(item["sk"]["S"])]
            audios = [child for child in of_it if child["sk"]["S"].startswith("audio#")]
            assert int(item["audioCount"]["N"]) == len(audios)
            assert int(item["revision"]["N"]) == len(of_it) - len(audios)


def _referenced(compositions: list[dict[str, Any]], children: list[dict[str, Any]]) -> set[str]:
    keys = {item["inputKey"]["S"] for item in compositions if item["inputStored"]["BOOL"]}
    for child in children:
        if child["sk"]["S"].startswith("revision#"):
            keys.add(json.loads(child["revision"]["S"])["midiKey"])
        elif child["status"]["S"] == "COMPLETED":
            keys.add(child["key"]["S"])
    return keys


def new_composition(**changes: Any) -> NewComposition:
    standard: Mapping[str, Any] = {
        "name": "Ode",
        "model_id": "ar-cnn-bach",
        "model_type": ModelType.SAMPLE,
        "input_source": InputSource.VIRTUAL,
    }
    if not {"sample_melody_id", "parent_composition_id"} & changes.keys():
        standard = {**standard, "input_midi": MELODY_MIDI}
    return NewComposition(**{**standard, **changes})


def created(world: World, **changes: Any) -> str:
    """The id of a new composition."""
    return world.library.create_composition(CALLER, new_composition(**changes)).composition.id


def fields_of(error: pytest.ExceptionInfo[ValidationException]) -> set[str]:
    """The wire names of the fields that an error complains of."""
    return {field.name for field in error.value.fields}
