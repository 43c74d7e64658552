"""Tables in the store against moto's own: the same calls, answer by answer.

It is what an upgrade of moto has to pass, and whatever is kept of its parsing has to pass it, too.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest

from infra.local.moto_mistakes import is_mistake
from infra.local.moto_shortcuts import take_shortcuts
from tests.integration.durable.random_calls import RandomCalls
from tests.integration.durable.stock_dynamodb import StockDynamoDB
from tests.integration.durable.table_host import TableHost, client_of, opened

Answer = tuple[int, Any, Any]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[TableHost]:
    take_shortcuts()
    with opened(tmp_path) as host:
        yield host


@pytest.fixture
def stock() -> Iterator[StockDynamoDB]:
    stock = StockDynamoDB()
    yield stock
    stock.close()


class Compared:
    """Answers requests as the host does, and has moto's own tables answer them as well."""

    def __init__(self, host: TableHost, stock: StockDynamoDB) -> None:
        self._host = host
        self._stock = stock
        self.calls = 0
        self.succeeded = 0

    def __call__(self, request: AWSPreparedRequest, operation: str) -> Answer:
        self.calls += 1
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        assert isinstance(request.body, bytes)
        expected = self._stock.answer(target, request.body.decode())
        try:
            status, headers, body = self._host.answer(request, operation)
        except Exception as error:
            if not is_mistake(error):
                raise
            status, headers, body = 400, {}, json.dumps({"__type": "ValidationException", "raised": repr(error)})
        said = f"call {self.calls}: {target} {request.body.decode()}"
        if operation == "Query" and status == expected.get("status") == 200:
            self._expect_the_end(target, request.body, json.loads(body), expected["body"])
        if "raised" in expected:  # the host answers it so, whatever the tables make of it
            assert status == 400, f"{said}: {body} instead of {expected}"
            assert json.loads(body)["__type"].endswith("ValidationException"), f"{said}: {body}"
        else:
            assert comparable(json.loads(body)) == comparable(expected["body"]), said
            assert status == expected["status"], said
        self.succeeded += status == 200
        return status, headers, body

    def _expect_the_end(self, target: str, request: bytes, answer: Any, expected: Any) -> None:
        """moto does not see that a page is the last one when only the condition on the range key ends the query."""
        if "LastEvaluatedKey" not in answer and "LastEvaluatedKey" in expected:
            start = expected.pop("LastEvaluatedKey")
            next_page = self._stock.answer(target, json.dumps(json.loads(request) | {"ExclusiveStartKey": start}))
            assert next_page["body"] == {"Count": 0, "Items": [], "ScannedCount": 0}


def comparable(value: Any) -> Any:
    """An answer without what need not be equal: the moment of creation, and the order within sets."""
    if isinstance(value, dict):
        return {
            name: sorted(inner) if name in ("SS", "NS", "BS") and isinstance(inner, list) else comparable(inner)
            for name, inner in value.items()
            if name != "CreationDateTime"
        }
    return [comparable(inner) for inner in value] if isinstance(value, list) else value


def compare(host: TableHost, stock: StockDynamoDB, seed: int, count: int) -> None:
    compared = Compared(host, stock)
    calls = RandomCalls(client_of(compared), seed)
    calls.create_tables()
    calls.make(count)
    assert compared.succeeded > count / 2  # most of the calls do something


@pytest.mark.parametrize("seed", [1, 2])
def test_random_calls_are_answered_as_by_moto(host: TableHost, stock: StockDynamoDB, seed: int) -> None:
    compare(host, stock, seed, 250)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 15))
def test_thousands_of_random_calls_are_answered_as_by_moto(host: TableHost, stock: StockDynamoDB, seed: int) -> None:
    compare(host, stock, seed, 2000)
