"""DynamoDB's tables in the store, by boto3: what comes back, what is refused, and where moto is not followed."""

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

from infra.local.durable.errors import DamagedError
from tests.integration.durable.table_host import TableHost, opened
from tests.integration.durable.things import (
    KEY_SCHEMA,
    all_pages,
    create,
    definitions,
    fill,
    index,
    key,
    refusal,
)

EVERY_TYPE: dict[str, Any] = {
    "text": {"S": "漢字\x00😀"},
    "empty": {"S": ""},
    "number": {"N": "1234567890123456789012345678901234567.8"},
    "binary": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "-2.5E-130"]},
    "binaries": {"BS": [b"\x00", b"\xff"]},
    "list": {"L": [{"N": "1"}, {"L": [{"B": b"x"}]}, {"M": {}}]},
    "map": {"M": {"B": {"S": "not binary"}, "BS": {"L": []}, "B B": {"B": b"\x01"}, "deep": {"M": {"N": {"N": "5"}}}}},
}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[TableHost]:
    with opened(tmp_path) as host:
        yield host


@pytest.fixture
def client(host: TableHost) -> Any:
    return host.client()


# -- what comes back


def test_items_of_every_type_come_back_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        create(host.client(), index("by-text", "text"), text="S")
        host.client().put_item(TableName="things", Item=key(1) | EVERY_TYPE)
    with opened(tmp_path) as host:
        client = host.client()
        assert client.get_item(TableName="things", Key=key(1))["Item"] == key(1) | EVERY_TYPE
        found = client.query(
            TableName="things",
            IndexName="by-text",
            KeyConditionExpression="#t = :t",
            ExpressionAttributeNames={"#t": "text"},
            ExpressionAttributeValues={":t": EVERY_TYPE["text"]},
        )
        assert found["Items"] == [key(1) | EVERY_TYPE]
        assert client.describe_table(TableName="things")["Table"]["ItemCount"] == 1


def test_a_table_made_after_a_restart_does_not_see_the_items_of_a_deleted_one(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        create(host.client())
        fill(host.client(), 3)
        assert host.client().delete_table(TableName="things")["TableDescription"]["ItemCount"] == 3
    with opened(tmp_path) as host:
        create(host.client())
        assert host.client().scan(TableName="things")["Count"] == 0
        with host.store.reading() as connection:
            assert connection.execute("SELECT count(*) FROM item").fetchone() == (0,)


def test_nothing_of_an_item_stays_in_memory(client: Any) -> None:
    create(client, index("by-g", "g"), g="S")
    fill(client, 20, g={"S": "x"})
    all_pages(client.scan, Limit=3)
    client.update_item(TableName="things", Key=key(1), AttributeUpdates={"g": {"Value": {"S": "y"}}})
    gc.collect()
    assert [thing for thing in gc.get_objects() if isinstance(thing, Item)] == []


def test_a_table_is_read_while_its_definition_is_being_put_back(host: TableHost, client: Any) -> None:
    create(client)
    fill(client, 1)
    table = host.backend.tables["things"]
    table.__class__ = Table  # as it is restored
    del table.items
    assert client.get_item(TableName="things", Key=key(0))["Item"]["n"] == {"N": "0"}
    assert client.scan(TableName="things")["Count"] == 1


def test_a_reader_that_is_in_a_table_may_finish_when_it_is_deleted(host: TableHost, client: Any) -> None:
    create(client)
    fill(client, 1)
    table = host.backend.get_table("things")
    with host.store.reading():
        assert len(table) == 1  # its snapshot begins with its first read
        deleting = threading.Thread(target=client.delete_table, kwargs={"TableName": "things"})
        deleting.start()
        deleting.join()
        items, scanned, _ = table.scan({}, None, None)
    assert (len(items), scanned) == (1, 1)


# -- whole or not at all


def test_a_transaction_that_is_cancelled_leaves_nothing(client: Any) -> None:
    create(client, index("by-g", "g"), g="S")
    client.put_item(TableName="things", Item=key(1) | {"g": {"S": "x"}})
    with pytest.raises(ClientError) as cancelled:
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "things", "Item": key(2) | {"g": {"S": "x"}}}},
                {"Delete": {"TableName": "things", "Key": key(1)}},
                {
                    "ConditionCheck": {
                        "TableName": "things",
                        "Key": key(3),
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        )
    reasons = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert reasons == ["None", "None", "ConditionalCheckFailed"]
    assert client.scan(TableName="things", IndexName="by-g")["Items"] == [key(1) | {"g": {"S": "x"}}]
    assert client.describe_table(TableName="things")["Table"]["ItemCount"] == 1


def test_an_update_that_fails_half_way_changes_nothing(client: Any) -> None:
    create(client)
    client.put_item(TableName="things", Item=key(1) | {"n": {"N": "1"}})
    for number in (1, 2):
        with pytest.raises(ClientError):
            client.update_item(
                TableName="things",
                Key=key(number),
                UpdateExpression="SET n = :one, m = gone + :one",
                ExpressionAttributeValues={":one": {"N": "5"}},
            )
    assert client.scan(TableName="things")["Items"] == [key(1) | {"n": {"N": "1"}}]


def test_a_reader_sees_all_of_a_transaction_or_nothing(host: TableHost) -> None:
    client = host.client()
    create(client)
    torn: list[Any] = []
    done = threading.Event()

    def read() -> None:
        mine = host.client()
        while not done.is_set():
            found = mine.query(
                TableName="things",
                KeyConditionExpression="pk = :p",
                ExpressionAttributeValues={":p": {"S": "p"}},
            )["Items"]
            if len({item["n"]["N"] for item in found}) > 1 or len(found) not in (0, 2):
                torn.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(40):
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "things", "Item": key(number) | {"n": {"N": str(turn)}}}} for number in (1, 2)
            ]
        )
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []


# -- pages


def test_a_start_key_before_the_range_begins_at_the_range(client: Any) -> None:
    create(client)
    fill(client, 6)
    query = {
        "KeyConditionExpression": "pk = :p AND sk BETWEEN :a AND :b",
        "ExpressionAttributeValues": {":p": {"S": "p"}, ":a": {"S": "00002"}, ":b": {"S": "00003"}},
    }
    forward = client.query(TableName="things", ExclusiveStartKey=key(0), **query)
    backward = client.query(TableName="things", ExclusiveStartKey=key(5), ScanIndexForward=False, **query)
    assert [item["n"]["N"] for item in forward["Items"]] == ["2", "3"]
    assert [item["n"]["N"] for item in backward["Items"]] == ["3", "2"]


def test_a_page_ends_at_a_megabyte(client: Any) -> None:
    create(client)
    fill(client, 12, text={"S": "é" * 90_000})
    query = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
    for pages in (all_pages(client.scan), all_pages(client.query, **query)):
        assert [len(page) for page in pages] == [5, 5, 2]
        assert [item["n"]["N"] for page in pages for item in page] == [str(number) for number in range(12)]


def test_the_older_filters_are_met_after_the_limit_is_counted(client: Any) -> None:
    create(client)
    fill(client, 6)
    older = {
        "n": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "3"}]},
        "gone": {"ComparisonOperator": "NULL"},
    }
    scanned = client.scan(TableName="things", ScanFilter=older, Limit=4)
    assert ([item["n"]["N"] for item in scanned["Items"]], scanned["ScannedCount"]) == (["3"], 4)
    conditions = {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "p"}]}}
    queried = client.query(TableName="things", KeyConditions=conditions, QueryFilter=older, Limit=5)
    assert ([item["n"]["N"] for item in queried["Items"]], queried["ScannedCount"]) == (["3", "4"], 5)
    assert queried["LastEvaluatedKey"] == key(4)


# -- values


def test_older_updates_keep_the_types_of_values(client: Any) -> None:
    create(client)
    updates = {name: {"Action": "PUT", "Value": value} for name, value in EVERY_TYPE.items()}
    client.update_item(TableName="things", Key=key(1), AttributeUpdates=updates)
    assert client.get_item(TableName="things", Key=key(1))["Item"] == key(1) | EVERY_TYPE
    mixed = {"binaries": {"Action": "ADD", "Value": {"SS": ["a"]}}}
    assert "Type mismatch" in refusal(client.update_item, TableName="things", Key=key(1), AttributeUpdates=mixed)


def test_an_item_that_is_too_large_is_refused(client: Any) -> None:
    create(client)
    large = {f"text{number}": {"S": "x" * 100_000} for number in range(4)}
    client.put_item(TableName="things", Item=key(1) | large)
    assert "maximum allowed size" in refusal(
        client.put_item, TableName="things", Item=key(2) | large | {"t": large["text0"]}
    )
    growing = {"UpdateExpression": "SET t = text0"}
    assert "maximum allowed size" in refusal(client.update_item, TableName="things", Key=key(1), **growing)
    assert client.scan(TableName="things", Select="COUNT")["Count"] == 1


def damage(host: TableHost, number: int) -> None:
    with host.store.writing() as connection:
        connection.execute("UPDATE item SET content = zeroblob(40) WHERE r = ?", (f"{number:05}".encode(),))


def test_a_damaged_item_is_named_and_the_others_are_read(host: TableHost, client: Any) -> None:
    create(client)
    fill(client, 3)
    damage(host, 1)
    said = "the item 'p 00001' of the table things is damaged; run `chorale doctor`"
    for call in (
        lambda: client.get_item(TableName="things", Key=key(1)),
        lambda: client.scan(TableName="things"),
        lambda: client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "things", "Item": key(9)}},
                {
                    "ConditionCheck": {
                        "TableName": "things",
                        "Key": key(1),
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        ),
    ):
        with pytest.raises(DamagedError, match=said):
            call()
    assert client.get_item(TableName="things", Key=key(2))["Item"]["n"] == {"N": "2"}
    assert "Item" not in client.get_item(TableName="things", Key=key(9))


# -- many


@pytest.mark.slow
def test_a_page_out_of_a_hundred_thousand_items_costs_what_it_costs_out_of_a_thousand(host: TableHost) -> None:
    create(host.client(), index("by-g", "g", "sk"), g="S")

    def grow(start: int, end: int) -> None:
        with host.store.writing():
            for number in range(start, end):
                host.backend.put_item(
                    "things", key(number) | {"g": {"S": "x"}, "n": {"N": str(number)}}, overwrite=True
                )

    def cost(index_name: str | None, forward: bool) -> float:
        """The CPU time of a page in the middle, the least of many: others use the machine, too."""
        name, value = ("g", "x") if index_name else ("pk", "p")
        conditions = {"hash_key_conditions": [(name, {"S": value})], "index_name": index_name}
        middle = ("BETWEEN", [{"S": "00500"}, {"S": "99000"}])
        costs = []
        for _ in range(300):
            began = time.thread_time()
            with host.store.reading():
                found, _, more = host.backend.query(
                    "things", {"S": value}, *middle, 20, None, forward, [], **conditions
                )
            costs.append(time.thread_time() - began)
            assert len(found) == 20
            assert more
        return min(costs)

    grow(0, 1_000)
    pages = [(index_name, forward) for index_name in (None, "by-g") for forward in (True, False)]
    few = [cost(*page) for page in pages]
    grow(1_000, 100_000)
    many = [cost(*page) for page in pages]
    print(
        [
            f"{page}: {before * 1e3:.3f} ms, {after * 1e3:.3f} ms"
            for page, before, after in zip(pages, few, many, strict=True)
        ]
    )
    assert all(after < 1.25 * before for before, after in zip(few, many, strict=True))


# -- what is not offered


def test_streams_are_refused(client: Any) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    arguments = {"TableName": "things", "KeySchema": KEY_SCHEMA, "AttributeDefinitions": definitions(pk="S", sk="S")}
    said = refusal(client.create_table, **arguments, BillingMode="PAY_PER_REQUEST", StreamSpecification=stream)
    assert "StreamSpecification" in said
    assert client.list_tables()["TableNames"] == []
    create(client)
    assert "StreamSpecification" in refusal(client.update_table, TableName="things", StreamSpecification=stream)
    client.update_table(TableName="things", StreamSpecification={"StreamEnabled": False})


def test_operations_that_walk_over_whole_tables_are_not_carried_out(client: Any) -> None:
    create(client)
    for call in (
        lambda: client.execute_statement(Statement="SELECT * FROM things"),
        lambda: client.create_backup(TableName="things", BackupName="copy"),
        lambda: client.restore_table_to_point_in_time(SourceTableName="things", TargetTableName="others"),
    ):
        with pytest.raises(NotImplementedError):
            call()
