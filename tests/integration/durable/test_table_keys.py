"""Keys and indexes of DynamoDB's tables in the store, by boto3."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.durable.table_host import TableHost, opened
from tests.integration.durable.things import all_pages, create, create_index, definitions, fill, index, key, refusal


@pytest.fixture
def host(tmp_path: Path) -> Iterator[TableHost]:
    with opened(tmp_path) as host:
        yield host


@pytest.fixture
def client(host: TableHost) -> Any:
    return host.client()


# -- indexes


def test_an_index_made_over_items_holds_those_that_have_its_keys(client: Any) -> None:
    create(client)
    fill(client, 5, g={"S": "x"})
    client.put_item(TableName="things", Item=key(7))
    client.put_item(TableName="things", Item=key(8) | {"g": {"N": "1"}})
    client.put_item(TableName="things", Item=key(9) | {"g": {"S": ""}})
    create_index(client, "by-g", g="S")
    found = client.scan(TableName="things", IndexName="by-g")["Items"]
    assert [item["sk"]["S"] for item in found] == [f"{number:05}" for number in range(5)]
    client.update_table(TableName="things", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    assert "does not have the specified index" in refusal(client.scan, TableName="things", IndexName="by-g")
    client.put_item(TableName="things", Item=key(1))
    create_index(client, "by-g", g="S")
    assert client.scan(TableName="things", IndexName="by-g")["Count"] == 4


def test_an_index_of_a_name_that_is_taken_is_refused(client: Any) -> None:
    create(client, index("by-g", "g"), g="S")
    fill(client, 2, g={"S": "x"})
    with pytest.raises(ClientError, match="Duplicate index name: by-g"):
        create_index(client, "by-g", g="S")
    assert client.scan(TableName="things", IndexName="by-g")["Count"] == 2


def test_attributes_that_an_update_does_not_name_stay_defined(client: Any) -> None:
    create(client)
    create_index(client, "by-g", g="S")
    described = client.describe_table(TableName="things")["Table"]["AttributeDefinitions"]
    assert described == definitions(pk="S", sk="S", g="S")


@pytest.mark.parametrize("value", [{"N": "1"}, {"BOOL": True}, {"S": ""}])
def test_a_value_that_cannot_be_an_indexs_key_is_refused(client: Any, value: Any) -> None:
    create(client, index("by-g", "g"), g="S")
    client.put_item(TableName="things", Item=key(1))
    assert "by-g" in refusal(client.put_item, TableName="things", Item=key(1) | {"g": value})
    update = {"UpdateExpression": "SET g = :g", "ExpressionAttributeValues": {":g": value}}
    refusal(client.update_item, TableName="things", Key=key(1), **update)
    assert client.scan(TableName="things")["Items"] == [key(1)]


@pytest.mark.parametrize(
    ("indexes", "types", "said"),
    [
        (
            [{**index("by-two", "a"), "KeySchema": index("x", "a")["KeySchema"] + index("x", "b")["KeySchema"]}],
            "ab",
            "one HASH",
        ),
        ([index("same", "a"), index("same", "b")], "ab", "Duplicate index name: same"),
    ],
)
def test_an_index_that_the_rows_cannot_hold_is_refused(client: Any, indexes: Any, types: str, said: str) -> None:
    with pytest.raises(ClientError, match=said):
        create(client, *indexes, **dict.fromkeys(types, "S"))
    assert client.list_tables()["TableNames"] == []


def test_an_index_over_an_attribute_without_type_is_refused(client: Any) -> None:
    create(client)
    said = refusal(
        client.update_table,
        TableName="things",
        AttributeDefinitions=definitions(h="S"),
        GlobalSecondaryIndexUpdates=[{"Create": index("by-g", "g")}],
    )
    assert "Keys: [g], AttributeDefinitions: [pk, sk, h]" in said
    assert client.describe_table(TableName="things")["Table"]["GlobalSecondaryIndexes"] == []


def test_a_scan_of_an_index_without_range_key_comes_by_every_item_once(client: Any) -> None:
    create(client, index("by-g", "g"), g="S")
    for number in range(12):
        item = key(number % 4, pk="pqr"[number % 3]) | {"g": {"S": "xy"[number % 2]}}
        client.put_item(TableName="things", Item=item)
    whole = client.scan(TableName="things", IndexName="by-g")["Items"]
    assert len(whole) == 12
    for limit in (1, 5, 12):
        assert list(chain(*all_pages(client.scan, IndexName="by-g", Limit=limit))) == whole


# -- keys


@pytest.mark.parametrize("types", ["S", "N", "B"])
def test_the_segments_of_a_parallel_scan_are_the_whole_table(client: Any, types: str) -> None:
    create(client, types=types)
    values: dict[str, list[Any]] = {"S": list("abcdef"), "N": list("123456"), "B": [bytes([n]) for n in range(6)]}
    for value in values[types]:
        client.put_item(TableName="things", Item={"pk": {types: value}})
    pages = [page for n in range(3) for page in all_pages(client.scan, Segment=n, TotalSegments=3, Limit=1)]
    assert sorted(item["pk"][types] for page in pages for item in page) == values[types]


def test_a_number_is_one_key_however_it_is_written(client: Any) -> None:
    create(client, types="N")
    client.put_item(TableName="things", Item={"pk": {"N": "1.50"}, "v": {"S": "a"}})
    client.put_item(TableName="things", Item={"pk": {"N": "15E-1"}, "v": {"S": "b"}})
    assert client.get_item(TableName="things", Key={"pk": {"N": "1.5"}})["Item"]["v"] == {"S": "b"}
    assert client.scan(TableName="things")["Count"] == 1


def test_a_key_of_the_wrong_type_is_refused(client: Any) -> None:
    create(client)
    wrong = {"pk": {"N": "1"}, "sk": {"S": "a"}}
    for call in (client.get_item, client.delete_item):
        assert refusal(call, TableName="things", Key=wrong) == "The provided key element does not match the schema"
    said = refusal(
        client.query,
        TableName="things",
        KeyConditionExpression="pk = :p AND sk > :s",
        ExpressionAttributeValues={":p": {"S": "p"}, ":s": {"N": "1"}},
    )
    assert "Condition parameter type does not match schema type" in said


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ({"pk": {"S": "p"}}, "The provided starting key is invalid"),
        ({**key(1), "n": {"N": "1"}}, "The provided starting key is invalid"),
        ({"pk": {"S": "p"}, "sk": {"N": "1"}}, "The provided starting key is invalid"),
        (key(1, pk="q"), "outside query boundaries"),
    ],
)
def test_a_start_key_that_is_no_key_of_the_query_is_refused(client: Any, start: Any, said: str) -> None:
    create(client)
    query = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
    assert said in refusal(client.query, TableName="things", ExclusiveStartKey=start, **query)


def test_the_key_of_an_item_is_not_updated(client: Any) -> None:
    create(client)
    client.put_item(TableName="things", Item=key(1))
    updates = {"sk": {"Value": {"S": "other"}}}
    assert "part of the key" in refusal(client.update_item, TableName="things", Key=key(1), AttributeUpdates=updates)
    assert client.scan(TableName="things")["Items"] == [key(1)]
