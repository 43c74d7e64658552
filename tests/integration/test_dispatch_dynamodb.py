"""DynamoDB through the dispatch's direct path answers exactly as through HTTP's words, which is moto's normal path.

The direct path serves the account's home region only: a client of another region takes the normal one. Both regions
get the same random calls, and every answer is compared.
"""

import itertools
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ParamValidationError
from hosting import hosted_account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.dispatch import Dispatch

HOME, ELSEWHERE = "us-east-1", "eu-west-1"
_numbers = itertools.count()


class Mood(StrEnum):
    JOYFUL = "joyful"


# What botocore takes, too: members of enumerations, text and buffers for binary values, tuples for lists.
LOOSE = {
    "pk": {"S": "x"},
    "sk": {"S": "1"},
    "v": {"S": Mood.JOYFUL},
    "B": {"B": "text"},
    "BS": {"BS": ["text", bytearray(b"\xff")]},
    "L": {"L": ({"B": bytearray(b"\x00")}, {"M": {"B": {"B": b"\x01"}}})},
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    with hosted_account(tmp_path_factory.mktemp("dispatch")) as host:
        session = Dispatch(host).session(Credentials("ASIAEXAMPLE", "secret", "token"))
        once = Config(retries={"total_max_attempts": 1})
        yield session.client("dynamodb", config=once), session.client("dynamodb", region_name=ELSEWHERE, config=once)


def make_table(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "sk", "g")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def outcome(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
    """The answer without what differs from call to call; an error as all that a caller can read of it."""
    try:
        answer = getattr(client, operation)(**arguments)
    except ClientError as error:
        answer = error.response | {"class": type(error).__name__}
    except ParamValidationError as error:
        return str(error)
    metadata = answer.pop("ResponseMetadata")
    assert metadata["RequestId"]
    return answer | {"status": metadata["HTTPStatusCode"], "retries": metadata["RetryAttempts"]}


text = st.sampled_from(["a", "b", "cé", "d漢", "B", "S", "{}"])
number = st.sampled_from(["0", "-1", "1.5", "100", "0.001", "12345678901234567890123456789012345678"])
scalar = st.one_of(
    text.map(lambda value: {"S": value}),
    number.map(lambda value: {"N": value}),
    st.binary(min_size=1, max_size=4).map(lambda value: {"B": value}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.lists(text, min_size=1, max_size=3, unique=True).map(lambda values: {"SS": values}),
    st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=3, unique=True).map(lambda values: {"BS": values}),
)
value = st.recursive(
    scalar,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda values: {"L": values}),
        st.dictionaries(text, inner, max_size=2).map(lambda members: {"M": members}),
    ),
    max_leaves=4,
)
key = st.builds(
    lambda pk, sk: {"pk": {"S": pk}, "sk": {"S": sk}}, st.sampled_from("xy"), st.sampled_from(["1", "2", "3"])
)
item = st.builds(
    lambda keys, others: others | keys,
    key,
    st.fixed_dictionaries(
        {"v": scalar},
        optional={
            "g": st.sampled_from("mn").map(lambda name: {"S": name}),
            "n": number.map(lambda n: {"N": n}),
            "B": value,
        },
    ),
)
condition = st.sampled_from(
    [
        {},
        {"ConditionExpression": "attribute_not_exists(pk)"},
        {
            "ConditionExpression": "attribute_exists(pk) AND #v <> :v",
            "ExpressionAttributeNames": {"#v": "v"},
            "ExpressionAttributeValues": {":v": {"S": "a"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
        {"ConditionExpression": "attribute_exists(", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
    ]
)
update = st.sampled_from(
    [
        {
            "UpdateExpression": "SET n = if_not_exists(n, :one) + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
        {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}},
        {"UpdateExpression": "REMOVE g"},
        {
            "UpdateExpression": "SET g = :g, B = :b",
            "ExpressionAttributeValues": {":g": {"S": "m"}, ":b": {"B": b"\xff"}},
        },
        {"UpdateExpression": "SET v = ", "ExpressionAttributeValues": {":g": {"S": "m"}}},
        {
            "UpdateExpression": "SET v = :v",
            "ConditionExpression": "attribute_exists(n)",
            "ExpressionAttributeValues": {":v": {"BS": [b"\x00", b"z"]}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ]
)
returned = st.sampled_from(
    [{}, {"ReturnValues": "ALL_OLD"}, {"ReturnValues": "ALL_NEW"}, {"ReturnValues": "UPDATED_NEW"}]
)


def transaction(put: dict[str, Any], other: dict[str, Any], clause: dict[str, Any]) -> dict[str, Any]:
    clause = clause or {"ConditionExpression": "attribute_exists(pk)"}
    return {
        "TransactItems": [
            {"Put": {"TableName": "T", "Item": put}},
            {"ConditionCheck": {"TableName": "T", "Key": other, **clause}},
        ]
    }


call = st.one_of(
    st.builds(lambda i, c, r: ("put_item", {"TableName": "T", "Item": i, **c, **r}), item, condition, returned),
    st.builds(lambda k: ("get_item", {"TableName": "T", "Key": k}), key),
    st.builds(lambda k: ("get_item", {"TableName": "T", "Key": k, "ProjectionExpression": "v, n"}), key),
    st.builds(lambda k, u, r: ("update_item", {"TableName": "T", "Key": k, **u, **r}), key, update, returned),
    st.builds(
        lambda k, c: ("delete_item", {"TableName": "T", "Key": k, "ReturnValues": "ALL_OLD", **c}), key, condition
    ),
    st.builds(lambda i, k, c: ("transact_write_items", transaction(i, k, c)), item, key, condition),
    st.builds(
        lambda keys: ("transact_get_items", {"TransactItems": [{"Get": {"TableName": "T", "Key": k}} for k in keys]}),
        st.lists(key, min_size=1, max_size=3),
    ),
    st.builds(
        lambda keys: ("batch_get_item", {"RequestItems": {"T": {"Keys": keys}}}), st.lists(key, min_size=1, max_size=3)
    ),
    st.builds(
        lambda i, k: (
            "batch_write_item",
            {"RequestItems": {"T": [{"PutRequest": {"Item": i}}, {"DeleteRequest": {"Key": k}}]}},
        ),
        item,
        key,
    ),
    st.builds(
        lambda pk, forward, limit: (
            "query",
            {
                "TableName": "T",
                "KeyConditionExpression": "pk = :pk AND sk > :sk",
                "ExpressionAttributeValues": {":pk": {"S": pk}, ":sk": {"S": "1"}},
                "ScanIndexForward": forward,
                "Limit": limit,
                "ReturnConsumedCapacity": "TOTAL",
            },
        ),
        st.sampled_from("xy"),
        st.booleans(),
        st.integers(1, 3),
    ),
    st.builds(
        lambda g: (
            "query",
            {
                "TableName": "T",
                "IndexName": "by-g",
                "KeyConditionExpression": "g = :g",
                "ExpressionAttributeValues": {":g": {"S": g}},
                "Select": "COUNT",
            },
        ),
        st.sampled_from("mn"),
    ),
    st.builds(lambda limit: ("scan", {"TableName": "T", "Limit": limit}), st.integers(1, 4)),
    st.sampled_from(
        [
            ("get_item", {"TableName": "T", "Key": {"pk": {"S": ""}, "sk": {"S": "1"}}}),
            ("get_item", {"TableName": "T", "Key": {"pk": {"S": "x"}}}),
            ("get_item", {"TableName": "None", "Key": {"pk": {"S": "x"}, "sk": {"S": "1"}}}),
            ("put_item", {"TableName": "T", "Item": {"pk": {"N": "1"}, "sk": {"S": "1"}}}),
            ("put_item", {"TableName": "T", "Item": {"pk": "x", "sk": {"N": 1}}, "Unknown": ""}),
            ("update_item", {"TableName": "T", "Key": {}, "UpdateExpression": b"SET v = :v"}),
            ("query", {"TableName": "T"}),
            ("describe_table", {"TableName": "None"}),
        ]
    ),
)


def renamed(arguments: Any, name: str) -> Any:
    """The call with the table's name for `T`, wherever it stands; attribute values keep theirs."""
    if isinstance(arguments, dict):
        return {
            (name if member == "T" else member): (
                name if member == "TableName" and inner == "T" else renamed(inner, name)
            )
            for member, inner in arguments.items()
        }
    return [renamed(element, name) for element in arguments] if isinstance(arguments, list) else arguments


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(call, min_size=1, max_size=12))
def test_the_direct_path_answers_as_the_normal_one(clients: tuple[Any, Any], calls: list[tuple[str, Any]]) -> None:
    table = f"table-{next(_numbers)}"
    for client in clients:
        make_table(client, table)
    for operation, arguments in calls:
        direct, normal = (outcome(client, operation, renamed(arguments, table)) for client in clients)
        assert direct == normal, (operation, arguments)
    assert clients[0].scan(TableName=table)["Items"] == clients[1].scan(TableName=table)["Items"]
    for client in clients:
        client.delete_table(TableName=table)


def test_what_botocore_takes_loosely_is_stored_as_the_normal_path_stores_it(clients: tuple[Any, Any]) -> None:
    found = []
    for client in clients:
        make_table(client, "loose")
        client.put_item(TableName="loose", Item=LOOSE)
        found.append(client.get_item(TableName="loose", Key={"pk": {"S": "x"}, "sk": {"S": "1"}})["Item"])
    assert found[0] == found[1]
    assert type(found[0]["v"]["S"]) is str
    assert found[0]["BS"] == {"BS": [b"text", b"\xff"]}


def test_what_is_stored_is_not_what_the_caller_still_holds(clients: tuple[Any, Any]) -> None:
    client = clients[0]
    make_table(client, "handed-over")
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "list": {"L": [{"S": "1"}]}}
    client.put_item(TableName="handed-over", Item=item)
    item["list"]["L"].append({"S": "2"})
    where = {"TableName": "handed-over", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}
    assert client.get_item(**where)["Item"]["list"] == {"L": [{"S": "1"}]}


def test_handlers_of_parameters_and_answers_are_called_on_the_direct_path(clients: tuple[Any, Any]) -> None:
    client = clients[0]
    make_table(client, "handled")
    seen = []

    def see(params: Any, **_: Any) -> None:
        seen.append(params)

    def replace(parsed: Any, **_: Any) -> None:
        parsed["Item"] = "replaced"

    where = {"TableName": "handled", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}
    client.meta.events.register("before-parameter-build.dynamodb.GetItem", see)
    client.meta.events.register("after-call.dynamodb.GetItem", replace)
    try:
        assert client.get_item(**where)["Item"] == "replaced"
    finally:
        client.meta.events.unregister("before-parameter-build.dynamodb.GetItem", see)
        client.meta.events.unregister("after-call.dynamodb.GetItem", replace)
    assert seen == [where]


def test_what_a_client_was_given_is_not_the_tables_own(clients: tuple[Any, Any]) -> None:
    client = clients[0]
    make_table(client, "owned")
    client.put_item(
        TableName="owned", Item={"pk": {"S": "a"}, "sk": {"S": "b"}, "list": {"L": [{"M": {"x": {"S": "1"}}}]}}
    )
    where = {"TableName": "owned", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}
    found = client.get_item(**where)["Item"]
    found["list"]["L"][0]["M"]["x"]["S"] = "changed"
    found["list"]["L"].append({"S": "more"})
    assert client.get_item(**where)["Item"]["list"] == {"L": [{"M": {"x": {"S": "1"}}}]}


def test_moto_does_not_remember_items_that_are_gone(clients: tuple[Any, Any]) -> None:
    from moto.dynamodb.models.dynamo_type import Item

    client = clients[0]
    make_table(client, "forgotten")
    for number in range(20):
        client.put_item(TableName="forgotten", Item={"pk": {"S": "a"}, "sk": {"S": str(number)}})
    assert Item.instances_tracked == []
