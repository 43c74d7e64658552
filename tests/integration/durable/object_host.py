"""An account's S3 and KMS on a data folder, reached by boto3, without the rest of the local AWS."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local import moto_host
from infra.local.dispatch import _local_request, _RawBody, _StreamFile
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.s3 import object_backend
from infra.local.durable.s3.bodies import Bodies
from infra.local.durable.s3.objects import ObjectStore
from infra.local.durable.services.small_services import SmallServices
from infra.local.durable.store import Store
from infra.local.effects import effect_of
from infra.local.http import LocalRequest, LocalResponse
from infra.local.moto_instances import forget_instances
from infra.local.moto_mistakes import is_mistake, mistake_response
from infra.local.moto_services import BACKENDS, DISPATCHERS, forget_account
from infra.local.turns import Turns

ACCOUNT = "111122223333"
REGION = "us-east-1"


class ObjectHost:
    """One opening of a data folder."""

    def __init__(self, folder: Path) -> None:
        forget_account(ACCOUNT)
        key = folder / MASTER_KEY_FILE
        self.store = Store(folder, MasterKey.load(key) if key.exists() else MasterKey.create(key))
        self.bodies = Bodies(folder / "bodies")
        self.objects = ObjectStore(
            self.store,
            self.bodies,
            lambda: BACKENDS["s3"][ACCOUNT]["aws"],
            lambda region: BACKENDS["kms"][ACCOUNT][region],
            lambda service: self.small.note(service),
        )
        self.small = SmallServices(
            self.store, ACCOUNT, left_out=object_backend.LEFT_OUT, attach={"s3": self.objects.attach}
        )
        self.turns = Turns(self.store, self.small)
        forget_instances()
        self.small.load()
        self.objects.attach()
        self.objects.sweep()

    def close(self) -> None:
        self.store.close()
        forget_account(ACCOUNT)

    def client(self, service: str = "s3") -> Any:
        return client_of(service, partial(self.handle, service))

    def handle(self, service: str, request: LocalRequest, operation: str) -> LocalResponse:
        effect = effect_of(service, operation, request)

        def turn(work: Any) -> LocalResponse:
            return self.turns.carry_out(
                effect, f"{service} {operation}", None, work, lambda answer: answer.status >= 400
            )

        def moto(asked: LocalRequest) -> LocalResponse:
            try:
                return answer_of_moto(service, asked)
            except Exception as error:
                if not is_mistake(error):
                    raise
                return mistake_response(service, operation, "-")

        if service == "s3":
            return self.objects.answer(request, operation, turn, moto)
        return turn(lambda: moto(request))


def client_of(service: str, handle: Callable[[LocalRequest, str], LocalResponse]) -> Any:
    """A client whose requests are answered by `handle(request, operation)`."""
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client(service, REGION, aws_access_key_id="test", aws_secret_access_key="test", config=config)

    def send(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        answer = handle(_local_request(request), event_name.rpartition(".")[2])
        raw = _RawBody(BytesIO(answer.body) if answer.stream is None else _StreamFile(answer.stream))
        return AWSResponse(request.url, answer.status, HTTPHeaders.from_pairs(answer.headers), raw)

    client.meta.events.register("before-send", send)
    return client


def body_of(client: Any, key: str, **asked: Any) -> bytes:
    """The content of an object in `bucket`."""
    return client.get_object(Bucket="bucket", Key=key, **asked)["Body"].read()


def error_of(call: Any, **parameters: Any) -> tuple[str, int]:
    """The code and the status of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def answer_of_moto(service: str, request: LocalRequest) -> LocalResponse:
    built = moto_host.MotoHost._moto_request(_Account, service, REGION, request)  # type: ignore[arg-type]
    entrance = moto_host._entrance(service, request.path) if service == "s3" else DISPATCHERS[service]
    assert entrance is not None
    return moto_host._local_response(moto_host._call(entrance, built), head=request.method == "HEAD")


def _is_refusal(answer: LocalResponse) -> bool:
    return answer.status >= 400


class _Account:
    account = ACCOUNT


@contextmanager
def opened(folder: Path) -> Iterator[ObjectHost]:
    host = ObjectHost(folder)
    try:
        yield host
    finally:
        host.close()
