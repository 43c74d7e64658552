"""A table `things` for the tests of tables: how it is made and filled, read page by page, and refuses."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY_SCHEMA = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]


def create(client: Any, *indexes: dict[str, Any], types: str = "SS", **attributes: str) -> None:
    """The table `things` with these indexes, and further attributes by their types."""
    given = {"pk": types[0], **({"sk": types[1]} if len(types) > 1 else {}), **attributes}
    client.create_table(
        TableName="things",
        KeySchema=KEY_SCHEMA[: len(types)],
        AttributeDefinitions=definitions(**given),
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": list(indexes)} if indexes else {}),
    )


def definitions(**types: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def index(name: str, hash_name: str, range_name: str | None = None) -> dict[str, Any]:
    schema = [{"AttributeName": hash_name, "KeyType": "HASH"}]
    schema += [{"AttributeName": range_name, "KeyType": "RANGE"}] if range_name else []
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def key(number: int, pk: str = "p") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": f"{number:05}"}}


def fill(client: Any, count: int, **attributes: Any) -> None:
    for number in range(count):
        client.put_item(TableName="things", Item=key(number) | attributes | {"n": {"N": str(number)}})


def all_pages(call: Any, **arguments: Any) -> list[list[dict[str, Any]]]:
    pages = []
    while True:
        page = call(TableName="things", **arguments)
        pages.append(page["Items"])
        if "LastEvaluatedKey" not in page:
            return pages
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    return refused.value.response["Error"]["Message"]


def create_index(client: Any, name: str, **key_attribute: str) -> Any:
    return client.update_table(
        TableName="things",
        AttributeDefinitions=definitions(**key_attribute),
        GlobalSecondaryIndexUpdates=[{"Create": index(name, *key_attribute)}],
    )
