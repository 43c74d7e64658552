"""Transactions that are sent again under their ClientRequestToken."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.durable.dynamodb import transaction_tokens
from tests.hosting import hosted_account
from tests.integration.durable.table_host import opened
from tests.integration.durable.things import create, key

TOKEN = "a-token-of-the-client"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    with opened(tmp_path) as host:
        create(host.client())
        yield host.client()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1_800_000_000.0]
    monkeypatch.setattr(transaction_tokens, "time", SimpleNamespace(time=lambda: clock[0]))
    return clock


def count(client: Any, by: int = 1, token: str = TOKEN, condition: str = "attribute_not_exists(closed)") -> None:
    client.transact_write_items(
        ClientRequestToken=token,
        TransactItems=[
            {
                "Update": {
                    "TableName": "things",
                    "Key": key(number),
                    "UpdateExpression": "ADD times :by",
                    "ConditionExpression": condition,
                    "ExpressionAttributeValues": {":by": {"N": str(by)}},
                }
            }
            for number in (1, 2)
        ],
    )


def counted(client: Any) -> list[str]:
    return [client.get_item(TableName="things", Key=key(number))["Item"]["times"]["N"] for number in (1, 2)]


def error_of(client: Any, **changes: Any) -> str:
    with pytest.raises(ClientError) as refused:
        count(client, **changes)
    code: str = refused.value.response["Error"]["Code"]
    return code


def test_a_transaction_that_is_sent_again_is_carried_out_once(client: Any) -> None:
    count(client)
    count(client)
    assert counted(client) == ["1", "1"]
    count(client, token="another")
    assert counted(client) == ["2", "2"]


def test_a_token_is_remembered_across_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        create(host.client())
        count(host.client())
    with opened(tmp_path) as host:
        count(host.client())
        assert counted(host.client()) == ["1", "1"]


def test_another_transaction_under_the_same_token_is_refused(client: Any) -> None:
    count(client)
    assert error_of(client, by=2) == "IdempotentParameterMismatchException"
    assert counted(client) == ["1", "1"]


def test_a_transaction_that_was_cancelled_may_be_sent_again(client: Any) -> None:
    assert error_of(client, condition="attribute_exists(times)") == "TransactionCanceledException"
    count(client)
    assert counted(client) == ["1", "1"]


def test_a_token_is_forgotten_after_ten_minutes(client: Any, now: list[float]) -> None:
    count(client)
    now[0] += 599
    count(client)
    assert counted(client) == ["1", "1"]
    now[0] += 1
    count(client)
    assert counted(client) == ["2", "2"]


def test_a_token_is_remembered_when_the_clock_is_set_back(client: Any, now: list[float]) -> None:
    count(client)
    now[0] -= 7 * 86_400
    count(client)
    assert counted(client) == ["1", "1"]


def test_a_token_that_is_too_long_is_refused(client: Any) -> None:
    assert error_of(client, token="t" * 37) == "ValidationException"


def test_the_direct_way_knows_tokens_too(tmp_path: Path) -> None:
    with hosted_account(tmp_path / "data") as host:
        put = {"Put": {"TableName": "things", "Item": key(1) | {"binary": {"B": b"\x00"}}}}
        definition = {
            "TableName": "things",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            "BillingMode": "PAY_PER_REQUEST",
        }
        assert host.dynamodb("CreateTable", "create_table", definition).error is None
        for _ in range(2):
            answer = host.dynamodb(
                "TransactWriteItems",
                "transact_write_items",
                {"ClientRequestToken": TOKEN, "TransactItems": [{"Put": dict(put["Put"])}]},
            )
            assert answer.error is None
            deleted = host.dynamodb("DeleteItem", "delete_item", {"TableName": "things", "Key": key(1)})
            assert deleted.error is None
        assert host.dynamodb("Scan", "scan", {"TableName": "things"}).members["Count"] == 0
