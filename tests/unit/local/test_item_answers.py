from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.utilities import dynamo_to_dict

from infra.local.item_answers import answered
from infra.local.moto_shortcuts import size, size_by_moto

names = st.text(max_size=3)
scalars = st.one_of(
    names.map(lambda text: {"S": text}),
    st.integers().map(lambda number: {"N": str(number)}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.binary(max_size=3).map(lambda value: {"B": value}),
    st.sampled_from([{"B": "/w=="}, {"BS": ["/w==", b"x"]}, {"SS": ["a", "b"]}, {"NS": ["1"]}]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda elements: {"L": elements})
        | st.dictionaries(names, inner, max_size=3).map(lambda members: {"M": members})
    ),
    max_leaves=8,
)
items = st.dictionaries(names, values, max_size=4).map(
    lambda attributes: Item(DynamoType({"S": "k"}), None, attributes)
)


@given(st.lists(items, max_size=3))
def test_an_answer_says_what_moto_would_have_said(found: list[Any]) -> None:
    answer = {
        "Items": [item.attrs for item in found],
        "Attributes": found,
        "Count": len(found),
        "LastEvaluatedKey": None,
        "At": datetime(2026, 1, 2, tzinfo=UTC),
        "CapacityUnits": 0.5,
    }
    assert answered(answer) == dynamo_to_dict(answer)


def test_an_answer_is_not_the_table_s_own() -> None:
    item = Item(DynamoType({"S": "k"}), None, {"list": {"L": [{"S": "a"}]}, "set": {"SS": ["a"]}})
    answer = answered({"Item": item.attrs})
    answer["Item"]["list"]["L"].append("more")
    answer["Item"]["set"]["SS"].append("more")
    assert item.to_json()["Attributes"] == {"list": {"L": [{"S": "a"}]}, "set": {"SS": ["a"]}}


@given(values)
def test_a_value_weighs_what_moto_would_have_weighed(value: Any) -> None:
    assert size(DynamoType(value)) == size_by_moto(DynamoType(value))


def test_text_weighs_its_bytes() -> None:
    assert [size(DynamoType({"S": text})) for text in ("", "abc", "cé", "漢")] == [0, 3, 3, 3]
