"""JSON Schema to botocore's shapes.

Botocore gives every type a name. A named schema (`#/components/schemas/…`) keeps its own; a bare string, number or
list gets one from what it is (String, TagList) or, where it has bounds, from the member that it belongs to.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

_REFERENCE = "#/components/schemas/"
_INT32_MAX = 2**31 - 1

# JSON Schema's (type, format) → botocore's type and the name of the shape when it has no bounds
SCALARS = {
    ("string", None): ("string", "String"),
    ("string", "byte"): ("blob", "Blob"),
    ("number", None): ("double", "Double"),
    ("number", "epoch-seconds"): ("timestamp", "Timestamp"),
    ("boolean", None): ("boolean", "Boolean"),
}

# JSON Schema's bounds → botocore's
BOUNDS = {
    "minLength": "min",
    "maxLength": "max",
    "minItems": "min",
    "maxItems": "max",
    "minimum": "min",
    "maximum": "max",
    "pattern": "pattern",
    "enum": "enum",
}


@dataclass
class Shapes:
    """Collects the shapes that schemas need. `schemas` are the OpenAPI document's components."""

    schemas: Mapping[str, Schema]
    collected: dict[str, dict[str, Any]] = field(default_factory=dict)

    def structure(self, name: str, schema: Schema) -> dict[str, Any]:
        """Adds a structure with the members that the schema declares, and gives it back to be added to."""
        members = {
            member: self.member(name, member, declared) for member, declared in schema.get("properties", {}).items()
        }
        required = schema.get("required", [])
        shape: dict[str, Any] = {"type": "structure"}
        if required:
            shape["required"] = list(required)
        shape["members"] = members
        self.collected[name] = shape | documentation(schema)
        return self.collected[name]

    def member(self, owner: str, name: str, schema: Schema) -> dict[str, Any]:
        """What a structure says of one of its members: the name of its shape, and what the member is for."""
        declared = _without_null(schema)
        shape_name = self._shape(owner, name, declared)
        described = schema if "description" in schema else self._resolved(declared)
        member: dict[str, Any] = {"shape": shape_name} | documentation(described)
        if self._resolved(declared).get("x-aws-idempotency-token"):
            member["idempotencyToken"] = True
        return member

    def _resolved(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self.schemas[schema["$ref"].removeprefix(_REFERENCE)]
        return schema

    def _shape(self, owner: str, member: str, schema: Schema) -> str:
        """Adds the shape of a schema, if it is new, and answers its name."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_REFERENCE)
            if name not in self.collected:
                self._add_named(name, self.schemas[name])
            return str(name)
        if schema.get("type") == "array":
            return self._list(owner, member, schema)
        shape, plain_name = _scalar(schema)
        if len(shape) == 1:
            return self._add(plain_name, shape)
        return self._add_under_member_name(owner, member, shape)

    def _add_named(self, name: str, schema: Schema) -> None:
        if schema.get("type") == "object":
            self.structure(name, schema)
        elif schema.get("type") == "array":
            self.collected[name] = self._list_shape(name, "member", schema)
        else:
            self.collected[name] = _scalar(schema)[0] | documentation(schema)

    def _list(self, owner: str, member: str, schema: Schema) -> str:
        shape = self._list_shape(owner, member, schema)
        if len(shape) == 2:
            return self._add(f"{shape['member']['shape']}List", shape)
        return self._add_under_member_name(owner, member, shape)

    def _list_shape(self, owner: str, member: str, schema: Schema) -> dict[str, Any]:
        item = self._shape(owner, f"{member}Item", _without_null(schema["items"]))
        return {"type": "list", "member": {"shape": item}} | _bounds(schema)

    def _add_under_member_name(self, owner: str, member: str, shape: dict[str, Any]) -> str:
        """Named after the member, or after the structure too when another shape already has that name."""
        name = _pascal(member)
        if self.collected.get(name, shape) != shape:
            name = owner + name
        return self._add(name, shape)

    def _add(self, name: str, shape: dict[str, Any]) -> str:
        taken = self.collected.setdefault(name, shape)
        if taken != shape:
            raise ValueError(f"two different shapes would be named {name}")
        return name


def documentation(schema: Schema) -> dict[str, str]:
    """A description as botocore carries it, in HTML, a paragraph each."""
    text = schema.get("description")
    if not text:
        return {}
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return {"documentation": "".join(f"<p>{html.escape(paragraph, quote=False)}</p>" for paragraph in paragraphs)}


def _scalar(schema: Schema) -> tuple[dict[str, Any], str]:
    bounds = _bounds(schema)
    if schema.get("type") == "integer":
        wide = schema.get("maximum", 0) > _INT32_MAX
        return {"type": "long" if wide else "integer"} | bounds, "Long" if wide else "Integer"
    type_, name = SCALARS[schema.get("type", "string"), schema.get("format")]
    return {"type": type_} | bounds, name


def _bounds(schema: Schema) -> dict[str, Any]:
    return {ours: _plain(schema[theirs]) for theirs, ours in BOUNDS.items() if theirs in schema}


def _plain(bound: Any) -> Any:
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _without_null(schema: Schema) -> Schema:
    """An optional member is `anyOf` its type and null in JSON Schema; in botocore it is just not required."""
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    return options[0] if len(options) == 1 else schema


def _pascal(member: str) -> str:
    return member[0].upper() + member[1:]
