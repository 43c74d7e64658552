"""DynamoDB's expressions parsed once: an application sends the same few texts over and over, with other values.

moto parses a condition twice for every write, and an update expression once for the request and once more for the
table: half of what an UpdateItem costs. Here the syntax tree of a text is kept, the least used forgotten; whatever is
wrong with an expression is still for moto to find and to word, each time anew. Conditions are here, updates in
update_cache.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser

_KEPT = 512
_LONGEST = 1024  # characters; longer ones are rare, and their trees large


class CachedConditionParser(ConditionExpressionParser):
    """moto's parser of conditions and filters, with the tree of a text kept and only the values put in anew."""

    def parse(self) -> Any:
        tree = self._kept_tree()
        if tree is None:
            return super().parse()
        self.expr_attr_names_found.extend(tree.names)
        self.expr_attr_values_found.extend(tree.values)
        return self._make_op_condition(tree.root)

    def _kept_tree(self) -> "_ConditionTree | None":
        text, values = self.condition_expression, self.expression_attribute_values or {}
        if not text or len(text) > _LONGEST:
            return None
        try:
            tree = _condition_tree(text, tuple((self.expression_attribute_names or {}).items()))
        except Exception:
            return None  # moto finds the same mistake, and says which
        return tree if all(name in values for name in tree.values) else None

    def _make_operand(self, node: Any) -> Any:
        if node.kind == self.Kind.EXPRESSION_ATTRIBUTE_VALUE:
            assert self.expression_attribute_values is not None
            return AttributeValue(self.expression_attribute_values[node.text])
        return super()._make_operand(node)


class _ConditionTree(ConditionExpressionParser):
    """The tree of a condition whose values are not known yet; `values` and `names` are the placeholders in it."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        super().__init__(text, dict(names), None)
        self.root: Any = self.parse()
        self.names = tuple(self.expr_attr_names_found)
        self.values = tuple(self.expr_attr_values_found)

    def _lookup_expression_attribute_value(self, name: str) -> Any:
        return None

    def _make_op_condition(self, node: Any) -> Any:
        return node


@lru_cache(maxsize=_KEPT)
def _condition_tree(text: str, names: tuple[tuple[str, str], ...]) -> _ConditionTree:
    return _ConditionTree(text, dict(names))


_NODE_TYPES: dict[type, tuple[type, ...]] = {}


def node_types(traverser: Any) -> tuple[type, ...]:
    """The node types that a traverser of moto's changes: the same for all of its class, and asked for at each node."""
    kind = type(traverser)
    if kind not in _NODE_TYPES:
        _NODE_TYPES[kind] = tuple(traverser._processing_map())
    return _NODE_TYPES[kind]
