"""DynamoDB's update expressions parsed and checked once: see expression_cache.

moto walks over the syntax tree of an update ten times, to check it and to put the values in. Most of the checks look at
the text, the names and the table's keys alone. And where an update is plain, setting whole attributes to values that
come with the request, putting the values in is all that is left to do.
"""

import pickle
from functools import lru_cache
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing import ast_nodes
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.validators import (
    ActionCountValidator,
    OverlappingPathsValidator,
    UpdateExpressionValidator,
    UpdateHashRangeKeyValidator,
)

_KEPT = 512  # texts, and for each text sets of names and keys
_LONGEST = 1024  # characters; longer ones are rare, and their trees large

_nodes: Any = ast_nodes  # moto tells no types of them
_WITH_VALUE = [
    _nodes.UpdateExpressionSetAction,
    _nodes.UpdateExpressionAddAction,
    _nodes.UpdateExpressionDeleteAction,
]
_ACTIONS = [*_WITH_VALUE, _nodes.UpdateExpressionRemoveAction]
_NAMES = (_nodes.ExpressionAttribute, _nodes.ExpressionAttributeName)

parse_update = UpdateExpressionParser.make


def update_tree(text: str) -> Any:
    """What moto's parser makes of an update expression."""
    return parse_update(text) if len(text) > _LONGEST else kept_update_tree(text)


@lru_cache(maxsize=_KEPT)
def kept_update_tree(text: str) -> Any:
    """The tree of an update expression. moto changes it only in a copy, which is made here in the quickest way.

    `passed` tells with which names and keys it has passed all checks, and whether it is plain with them.
    """
    tree = parse_update(text)
    frozen = pickle.dumps(tree)
    tree.__deepcopy__ = lambda memo: pickle.loads(frozen)
    tree.passed = {}
    return tree


class CachedUpdateValidator(UpdateExpressionValidator):
    """moto's validation of an update, without the checks that the same text, names and keys have passed before."""

    # These look at nothing else, and change nothing.
    _OF_THE_TEXT = (ActionCountValidator, OverlappingPathsValidator, UpdateHashRangeKeyValidator)

    def __init__(self, expression: Any, **given: Any) -> None:
        super().__init__(expression, **given)
        defined = (definition["AttributeName"] for definition in self.table.attr)
        self._passed: dict[Any, bool] = getattr(expression, "passed", {})
        self._checked = (
            tuple((self.expression_attribute_names or {}).items()),
            tuple(self.table.table_key_attrs),
            frozenset((*self.table.attribute_keys, *defined)),
        )

    def validate(self) -> Any:
        plain = self._passed.get(self._checked)
        if plain and (tree := self._with_values()) is not None:
            return tree
        if plain is not None:
            self.processors = [check for check in self.processors if not isinstance(check, self._OF_THE_TEXT)]
            return super().validate()
        plain = _is_plain(self.node_to_validate, self._checked[-1])
        validated = super().validate()
        if len(self._passed) < _KEPT:
            self._passed[self._checked] = plain
        return validated

    def _with_values(self) -> Any:
        """A plain update with its values; None where one is missing, which is for moto to say."""
        values = self.expression_attribute_values or {}
        for action in self.node_to_validate.find_clauses(_WITH_VALUE):
            name = _placeholder(action).get_value_name()
            if name not in values:
                return None
            action.children[1] = _nodes.DDBTypedValue(DynamoType(values[name]))
        return self.node_to_validate


def _is_plain(tree: Any, typed: frozenset[str]) -> bool:
    """Whether all actions are on whole attributes, with values of the request; none of a defined (`typed`) type."""
    for action in tree.find_clauses(_ACTIONS):
        path = action.children[0].children
        if len(path) != 1 or not isinstance(path[0], _NAMES) or path[0].children[0] in typed:
            return False
        if type(action) in _WITH_VALUE and _placeholder(action) is None:
            return False
    return True


def _placeholder(action: Any) -> Any:
    """The node of the placeholder that is all of an action's value; None where the value is something else."""
    value = action.children[1]
    if isinstance(value, _nodes.UpdateExpressionValue) and len(value.children) == 1:
        value = value.children[0]
    return value if isinstance(value, _nodes.ExpressionAttributeValue) else None
