"""Expressions parsed by the cache and by moto alone: the same trees, the same findings, the same mistakes."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.executors import UpdateExpressionExecutor
from moto.dynamodb.parsing.validators import UpdateExpressionValidator

from infra.local.expression_cache import CachedConditionParser
from infra.local.update_cache import CachedUpdateValidator, kept_update_tree, parse_update

NAMES = {"#a": "apples", "#b": "bananas", "#p": "pk"}
ITEM = {
    "pk": {"S": "key"},
    "apples": {"N": "3"},
    "bananas": {"L": [{"S": "one"}]},
    "title": {"S": "Ada"},
    "dates": {"SS": ["A", "B"]},
}
TYPED = [{"AttributeName": "typed", "AttributeType": "S"}]

operands = st.sampled_from(
    ["#a", "#b", "apples", "title", ":n", ":s", "size(#b)", "#missing", ":missing", "status", "7"]
)
comparisons = st.builds("{} {} {}".format, operands, st.sampled_from(["=", "<>", "<", ">="]), operands)
functions = st.builds(
    "{}({})".format, st.sampled_from(["attribute_exists", "attribute_not_exists", "begins_with", "size"]), operands
)
others = st.sampled_from(
    ["#a BETWEEN :n AND :n", "#a BETWEEN :null AND :n", "#a IN (:n, :s)", "begins_with(title, :s)", "", "((", "#a ="]
)
conditions = st.recursive(
    comparisons | functions | others,
    lambda inner: (
        st.builds("({}) AND ({})".format, inner, inner)
        | st.builds("NOT {}".format, inner)
        | st.builds("{} OR {}".format, inner, inner)
        | st.builds("(({}))".format, inner)
    ),
    max_leaves=4,
)
numbers = st.integers(0, 9).map(lambda number: {"N": str(number)})
updates = st.sampled_from(
    [
        "SET #a = :n",
        "SET #a = #a + :n, fresh = :s",
        "SET #a = if_not_exists(nothing, :n) REMOVE title",
        "SET #b = list_append(#b, :l) ADD apples :n",
        "SET #a = :n SET #b = :s",
        "SET #a = :n, apples = :n",
        "SET #p = :s",
        "SET #a = nothing",
        "SET #a = :missing",
        "SET #missing = :n",
        "REMOVE bananas[0]",
        "SET #a :n",
        "ADD title :n",
        "SET #a = :s REMOVE title ADD cherries :n, cherries2 :set DELETE dates :set",
        "SET title = :s, typed = :n",
        "SET title = :s REMOVE bananas[0]",
        "DELETE dates :n",
        "ADD dates :set",
        "SET typed = :empty",
    ]
)


def outcome(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a call returns, or the kind and the words of what it raises."""
    try:
        return work(*arguments)
    except Exception as error:
        return type(error), str(error), getattr(error, "message", None)


def item() -> Item:
    return Item(DynamoType(ITEM["pk"]), None, deepcopy(ITEM))


def parsed(parser: ConditionExpressionParser) -> Any:
    condition = parser.parse()
    return (
        repr(condition),
        outcome(condition.expr, item()),
        parser.expr_attr_names_found,
        parser.expr_attr_values_found,
    )


def updated(parse: Callable[[str], Any], text: str, validator: type[UpdateExpressionValidator], values: Any) -> Any:
    changed = item()
    table = type("Table", (), {"table_key_attrs": ["pk"], "attribute_keys": ["pk", "typed"], "attr": TYPED})
    checked = validator(
        parse(text), expression_attribute_names=NAMES, expression_attribute_values=values, item=changed, table=table
    ).validate()
    checked.normalize()
    UpdateExpressionExecutor(checked, changed, NAMES).execute()
    return changed.to_json()


@given(conditions, numbers, numbers)
def test_a_kept_condition_means_what_moto_means_with_any_values(text: str, first: Any, second: Any) -> None:
    for number in (first, second):
        values = {":n": number, ":s": {"S": "A"}, ":null": {"NULL": True}}
        expected = outcome(parsed, ConditionExpressionParser(text, NAMES, values))
        assert outcome(parsed, CachedConditionParser(text, NAMES, values)) == expected


@given(updates, numbers, numbers)
def test_a_kept_update_does_what_moto_does_with_any_values(text: str, first: Any, second: Any) -> None:
    for number in (first, second):
        values = {":n": number, ":s": {"S": "A"}, ":l": {"L": [number]}, ":set": {"SS": ["B"]}, ":empty": {"S": ""}}
        expected = outcome(updated, parse_update, text, UpdateExpressionValidator, values)
        assert outcome(updated, kept_update_tree, text, CachedUpdateValidator, values) == expected


@pytest.mark.parametrize("names", [None, {}, {"#a": "bananas"}])
def test_a_condition_is_not_mistaken_for_one_with_other_names(names: dict[str, str] | None) -> None:
    values = {":n": {"N": "3"}}
    assert parsed(CachedConditionParser("#a = :n", NAMES, values))[1] is True
    expected = outcome(parsed, ConditionExpressionParser("#a = :n", names, values))
    assert outcome(parsed, CachedConditionParser("#a = :n", names, values)) == expected


def test_a_kept_update_is_checked_anew_for_another_key() -> None:
    values = {":s": {"S": "A"}}
    assert updated(kept_update_tree, "SET title = :s", CachedUpdateValidator, values)
    table = type("Table", (), {"table_key_attrs": ["title"], "attribute_keys": ["title"], "attr": []})
    given = {"expression_attribute_names": NAMES, "expression_attribute_values": values, "item": item(), "table": table}
    expected = outcome(UpdateExpressionValidator(parse_update("SET title = :s"), **given).validate)
    assert "part of the key" in str(expected)
    assert outcome(CachedUpdateValidator(kept_update_tree("SET title = :s"), **given).validate) == expected


def test_an_update_that_was_refused_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="overlap"):
            updated(kept_update_tree, "SET #a = :n, apples = :n", CachedUpdateValidator, {":n": {"N": "1"}})
