"""Where moto takes the long way with DynamoDB's items and expressions: replaced, for the whole process, by what says
the same sooner. Each replacement falls back on moto for whatever is out of the ordinary, mistakes above all.
"""

from typing import Any

from moto.dynamodb import comparisons, models, responses
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing import ast_nodes, expressions

from infra.local.expression_cache import CachedConditionParser, node_types
from infra.local.item_answers import answered
from infra.local.update_cache import CachedUpdateValidator, update_tree

size_by_moto = DynamoType.size


def take_shortcuts() -> None:
    """Where this is called again, nothing more happens."""
    nodes: Any = ast_nodes  # moto tells no types of them
    parsers: Any = expressions
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (comparisons, "ConditionExpressionParser", CachedConditionParser),
        (parsers.UpdateExpressionParser, "make", staticmethod(update_tree)),
        (models, "UpdateExpressionValidator", CachedUpdateValidator),
        (nodes.DepthFirstTraverser, "nodes_to_be_processed", node_types),
        (responses, "dynamo_to_dict", answered),
        (DynamoType, "size", size),
    )
    for holder, name, ours in replaced:
        setattr(holder, name, ours)


def size(value: DynamoType) -> int:
    """The bytes of a value. All values of an item are weighed again with each attribute that is set."""
    content = value.value
    return len(content) if type(content) is str and content.isascii() else size_by_moto(value)
