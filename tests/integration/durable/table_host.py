"""An account's DynamoDB on a store, reached by boto3, without the rest of the local AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto.core.request import Request

from infra.local.durable.dynamodb.backend import TRANSIENT_ATTRIBUTES, TableStore
from infra.local.durable.keyring import MASTER_KEY_FILE, MasterKey
from infra.local.durable.services.small_services import SmallServices
from infra.local.durable.store import Store
from infra.local.moto_instances import forget_instances
from infra.local.moto_services import BACKENDS, DynamoHandler, forget_account

ACCOUNT = "111122223333"
REGION = "us-east-1"
READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"})

WRITES_OF_ITEMS = frozenset({"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"})


class TableHost:
    """One opening of a data folder."""

    def __init__(self, folder: Path) -> None:
        forget_account(ACCOUNT)
        key = folder / MASTER_KEY_FILE
        self.store = Store(folder, MasterKey.load(key) if key.exists() else MasterKey.create(key))
        self.tables = TableStore(self.store, BACKENDS["dynamodb"][ACCOUNT])
        self.services = SmallServices(self.store, ACCOUNT, TRANSIENT_ATTRIBUTES, {"dynamodb": self.tables.attach})
        forget_instances()
        self.services.load()
        self.backend = BACKENDS["dynamodb"][ACCOUNT][REGION]

    def close(self) -> None:
        self.store.close()
        forget_account(ACCOUNT)

    def client(self) -> Any:
        return client_of(self.answer)

    def answer(self, request: AWSPreparedRequest, operation: str) -> tuple[int, Any, Any]:
        if operation in READS:
            with self.store.reading():
                return answer_of_moto(request)
        services = [] if operation in WRITES_OF_ITEMS else ["dynamodb", "kms"]
        with self.store.writing():
            try:
                with self.store.writing():
                    answer = answer_of_moto(request)
                    if answer[0] >= 400:
                        raise _RefusedError(answer)
            except Exception as error:
                self.services.take_back(services)
                if isinstance(error, _RefusedError):
                    return error.answer
                raise
            self.services.flush(services)
            return answer


class _RefusedError(Exception):
    def __init__(self, answer: tuple[int, Any, Any]) -> None:
        self.answer = answer


@contextmanager
def opened(folder: Path) -> Iterator[TableHost]:
    host = TableHost(folder)
    try:
        yield host
    finally:
        host.close()


def client_of(answer: Any) -> Any:
    """A client whose requests are answered by `answer(request, operation)` -> (status, headers, body)."""
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", REGION, aws_access_key_id="test", aws_secret_access_key="test", config=config)

    def send(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        status, headers, body = answer(request, event_name.rpartition(".")[2])
        content = body.encode() if isinstance(body, str) else body
        return AWSResponse(request.url, status, headers, _Body(content))

    client.meta.events.register("before-send", send)
    return client


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content


def answer_of_moto(request: AWSPreparedRequest) -> tuple[int, Any, Any]:
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    headers["x-moto-account-id"] = ACCOUNT
    body = request.body.encode() if isinstance(request.body, str) else request.body
    built = Request.from_primitives("POST", request.url, headers, body or b"")
    return DynamoHandler.dispatch(built, request.url, built.headers)
