"""Transactions without a copy of the table, compared with moto's own."""

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.dynamodb.models import DynamoDBBackend

from infra.local.moto_transactions import keep_only_named_items

KEYS = ["a", "b", "c"]


def backend() -> DynamoDBBackend:
    made = DynamoDBBackend("us-east-1", "123456789012")
    made.create_table(
        "T",
        schema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        throughput=None,
        attr=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
        global_indexes=None,
        indexes=None,
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    return made


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": name}}


def put(name: str, value: int, condition: str | None) -> dict[str, Any]:
    return {"Put": with_condition({"TableName": "T", "Item": {**key(name), "n": {"N": str(value)}}}, condition)}


def update(name: str, value: int, condition: str | None) -> dict[str, Any]:
    operation = {
        "TableName": "T",
        "Key": key(name),
        "UpdateExpression": "ADD n :value",
        "ExpressionAttributeValues": {":value": {"N": str(value)}},
    }
    return {"Update": with_condition(operation, condition)}


def delete(name: str, value: int, condition: str | None) -> dict[str, Any]:
    return {"Delete": with_condition({"TableName": "T", "Key": key(name)}, condition)}


def broken_update(name: str, value: int, condition: str | None) -> dict[str, Any]:
    operation = {"TableName": "T", "Key": key(name), "UpdateExpression": "SET n = missing + :value"}
    return {"Update": {**operation, "ExpressionAttributeValues": {":value": {"N": "1"}}}}


def with_condition(operation: dict[str, Any], condition: str | None) -> dict[str, Any]:
    return operation if condition is None else {**operation, "ConditionExpression": condition}


conditions = st.sampled_from([None, None, "attribute_exists(pk)", "attribute_not_exists(pk)"])
writes = st.lists(
    st.builds(
        lambda make, name, value, condition: make(name, value, condition),
        st.sampled_from([put, update, delete, broken_update]),
        st.sampled_from(KEYS),
        st.integers(0, 9),
        conditions,
    ),
    min_size=1,
    max_size=4,
)


def carry_out(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> str:
    try:
        backend.transact_write_items(copy.deepcopy(items))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def contents(backend: DynamoDBBackend) -> dict[str, Any]:
    found = {name: backend.get_item("T", key(name)) for name in KEYS}
    return {name: item.to_json() for name, item in found.items() if item is not None}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(writes, min_size=1, max_size=5))
def test_transactions_end_as_motos_own_do(transactions: list[list[dict[str, Any]]]) -> None:
    stock, ours = backend(), backend()
    keep_only_named_items(ours)
    for items in transactions:
        assert carry_out(ours, items) == carry_out(stock, items)
        assert contents(ours) == contents(stock)


def test_the_table_is_not_copied() -> None:
    ours = backend()
    keep_only_named_items(ours)
    table = ours.tables["T"]
    assert carry_out(ours, [put("a", 1, None), put("b", 1, "attribute_exists(pk)")]) != "done"
    assert ours.tables["T"] is table
    assert contents(ours) == {}
    assert "__deepcopy__" not in vars(table)
