"""Whether a class still has the attributes that a stored graph has for it: asked after an upgrade of moto.

A class's attributes are what its methods, and those of the classes it comes from, assign to `self`.
"""

import ast
import inspect
import sys
from collections.abc import Set
from functools import cache
from typing import Any

from infra.local.durable.errors import StoreError
from infra.local.durable.services.graphs import Codec

# Attributes that are put on instances from outside: CloudFormation marks the resources of a stack, and items and events
# are found by the numbers of their tables and streams.
FROM_OUTSIDE = frozenset({"cf_resource_type", "item_table", "logical_resource_id", "number"})


def check_attributes(service: str, document: Any, blank: Any, writer: str, reader: str, codec: Codec) -> None:
    """Raises StoreError when an object in the graph has an attribute that its class does not know, or lacks one that
    its class always sets.

    `document` is the graph of a backend's attributes (service_states.py), read from JSON, and `blank` that of a new
    backend; `writer` and `reader` are versions of moto.
    """

    def check(name: str, stored: Set[str], always: Set[str], ever: Set[str]) -> None:
        if trouble := _trouble(stored, always, ever):
            raise StoreError(
                f"the state of {service} was written with moto {writer}, and {name} in moto {reader} {trouble}; "
                "start the version of Chorale that wrote this folder"
            )

    backend = _attributes_of_backend(blank)
    check(service, _attributes_of_backend(document), backend, backend)
    for node in document["nodes"]:
        if node[0] == "object":
            kept = codec.class_named(node[1])
            always, ever = attributes_of(kept.type)
            check(kept.type.__name__, node[2].keys(), always - kept.left_out - kept.anew.keys(), ever | FROM_OUTSIDE)


def _trouble(stored: Set[str], always: Set[str], ever: Set[str]) -> str:
    if unknown := sorted(stored - ever):
        return f"does not know {', '.join(unknown)}"
    if missing := sorted(always - stored):
        return f"also has {', '.join(missing)}"
    return ""


def _attributes_of_backend(document: Any) -> Set[str]:
    """Those in the first member of the graph's root."""
    root = document["nodes"][document["root"][1]]
    state = document["nodes"][root[1][0][1]]
    return state[1].keys()


@cache
def attributes_of(kept: type) -> tuple[frozenset[str], frozenset[str]]:
    """The attributes that making an instance always sets, and all that any method may set."""
    always: set[str] = set()
    ever: set[str] = set()
    for base in kept.__mro__:
        if not base.__module__.startswith(("infra.", "moto.")):
            continue
        for method in _definitions(base.__module__)[base.__name__].body:
            if isinstance(method, ast.FunctionDef):
                ever |= _assigned(method)
                if method.name == "__init__":
                    always |= set().union(*(_assigned_here(statement) for statement in method.body))
    return frozenset(always), frozenset(ever)


@cache
def _definitions(module: str) -> dict[str, ast.ClassDef]:
    """The classes that a module defines."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {statement.name: statement for statement in tree.body if isinstance(statement, ast.ClassDef)}


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
