"""Whether a class still has the attributes that a stored graph has for it: asked after an upgrade of moto.

A class's attributes are what its methods, and those of the classes it comes from, assign to `self`.
"""

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

from infra.local.durable.errors import StoreError
from infra.local.durable.graphs import Codec

# Attributes that are put on instances from outside: CloudFormation marks the resources of a stack, and items and events
# are found by the numbers of their tables and streams.
FROM_OUTSIDE = frozenset({"cf_resource_type", "item_table", "logical_resource_id", "number"})


def check_attributes(service: str, document: Any, writer: str, reader: str, codec: Codec) -> None:
    """Raises StoreError when an object in the graph has an attribute that its class does not know, or lacks one that
    its class always sets.

    `document` is a graph as graphs.py describes it, read from JSON; `writer` and `reader` are versions of moto.
    """
    for node in document["nodes"]:
        if node[0] == "object":
            kept = codec.class_named(node[1])
            always, ever = attributes_of(kept.type)
            stored = node[2].keys()
            unknown = sorted(stored - ever - FROM_OUTSIDE)
            missing = sorted(always - stored - kept.left_out - kept.anew.keys())
            if unknown or missing:
                trouble = f"does not know {', '.join(unknown)}" if unknown else f"also has {', '.join(missing)}"
                raise StoreError(
                    f"the state of {service} was written with moto {writer}, and {kept.type.__name__} in moto {reader} "
                    f"{trouble}; start the version of Chorale that wrote this folder"
                )


@cache
def attributes_of(kept: type) -> tuple[frozenset[str], frozenset[str]]:
    """The attributes that making an instance always sets, and all that any method may set."""
    always: set[str] = set()
    ever: set[str] = set()
    for base in kept.__mro__:
        if base.__module__ == "builtins":
            continue
        definition = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(definition, ast.ClassDef)
        for method in definition.body:
            if isinstance(method, ast.FunctionDef):
                ever |= _assigned(method)
                if method.name == "__init__":
                    always |= set().union(*(_assigned_here(statement) for statement in method.body))
    return frozenset(always), frozenset(ever)


def _assigned_here(statement: ast.stmt) -> set[str]:
    """The attributes that a statement sets without any condition."""
    return _assigned(statement) if isinstance(statement, ast.Assign | ast.AnnAssign) else set()


def _assigned(tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
