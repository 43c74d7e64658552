"""Every field of every operation with every kind of wrong value, out of the API's own OpenAPI document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from service.api.app import openapi
from service.api.service_model import declared_operations

DOCUMENT = openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]

COMPOSITION_ARN = "arn:aws:deepcomposer:us-east-1:123456789012:composition/01h0000000000000000000000a"

# A good request of each operation; what is made bad is put into a copy of it.
PATHS = {"compositionId": "01h0000000000000000000000a", "modelId": "ar-cnn-bach", "resourceArn": COMPOSITION_ARN}
QUERIES: dict[str, dict[str, str]] = {"UntagResource": {"tagKeys": "project"}}
BODIES: dict[str, dict[str, Any]] = {
    "CreateComposition": {"name": "Ode", "modelId": "ar-cnn-bach", "sampleMelodyId": "ode-to-joy"},
    "UpdateComposition": {"name": "Ode"},
    "CreateAudio": {"compositionId": "01h0000000000000000000000a"},
    "TagResource": {"tags": [{"key": "project", "value": "thesis"}]},
    "AssociateCoupon": {"serialNumber": "ABCD1234"},
}

OTHER_TYPES: dict[str, list[Any]] = {
    "string": [7, 1.5, True, [], {}],
    "integer": ["1", "", True, 1.5, [], {}, 10**30, -(10**30)],
    "number": ["1", "", True, [], {}],
    "array": ["x", 7, True, {}],
    "object": ["x", 7, True, []],
}


@dataclass(frozen=True)
class BadRequest:
    """A request that breaks one rule, and the wire path of the field at fault."""

    operation: str
    method: str
    path: str
    query: str
    body: Any
    field: str

    def __str__(self) -> str:
        return f"{self.operation} {self.field} {self.path[:60]}?{self.query[:60]} {self.body!r:.100}"


def bad_requests() -> Iterator[BadRequest]:
    for method, path, declared in declared_operations(DOCUMENT):
        operation = declared["operationId"]
        body = BODIES.get(operation)
        query = QUERIES.get(operation, {})

        def request(
            field: str,
            body: Any = body,
            query: Mapping[str, str] = query,
            labels: Mapping[str, str] = PATHS,
            *,
            head: tuple[str, str, str] = (operation, method, path),
        ) -> BadRequest:
            name, verb, template = head
            filled = re.sub(r"\{(\w+)\}", lambda label: quote(labels[label[1]], safe=""), template)
            return BadRequest(name, verb, filled, urlencode(query), body, field)

        if body is not None:
            schema = resolved(declared["requestBody"]["content"]["application/json"]["schema"])
            for field, bad in bad_members(schema, body):
                yield request(field, body=bad)
        for parameter in declared.get("parameters", []):
            name, schema = parameter["name"], resolved(parameter["schema"])
            for value in bad_texts(schema):
                if parameter["in"] == "path":
                    yield request(name, labels=PATHS | {name: value})
                else:
                    field = f"{name}.0" if schema.get("type") == "array" else name
                    yield request(field, query=query | {name: value})
            if parameter["in"] == "query" and parameter["required"]:
                yield request(name, query={key: text for key, text in query.items() if key != name})
        if method in ("GET", "DELETE") and any(p["in"] == "query" for p in declared.get("parameters", [])):
            yield request("unheardOf", query=query | {"unheardOf": "1"})


def bad_members(schema: Mapping[str, Any], good: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Copies of a good structure with one bad member each, and that member's wire path."""
    for name, declared in schema["properties"].items():
        for field, bad in bad_values(resolved(declared), f"{prefix}{name}"):
            yield field, {**good, name: bad}
        if name in schema.get("required", []):
            yield f"{prefix}{name}", {key: value for key, value in good.items() if key != name}
            yield f"{prefix}{name}", {**good, name: None}
    yield f"{prefix}unheardOf", {**good, "unheardOf": 1}


def bad_values(schema: Mapping[str, Any], field: str) -> Iterator[tuple[str, Any]]:
    """Bad values for a field, and the wire path of what is wrong: the field's own, or one inside it."""
    type_ = schema["type"]
    for value in OTHER_TYPES[type_]:
        yield field, value
    if type_ == "string":
        for text in bad_strings(schema):
            yield field, text
    elif type_ in ("integer", "number"):
        step = 1 if type_ == "integer" else 0.001
        if "minimum" in schema:
            yield field, schema["minimum"] - step
        if "maximum" in schema:
            yield field, schema["maximum"] + step
    elif type_ == "array":
        item = resolved(schema["items"])
        good = good_value(item)
        yield f"{field}.0", [None]
        if "maxItems" in schema:
            yield field, [good] * (schema["maxItems"] + 1)
        if schema.get("minItems"):
            yield field, []
        for inner, bad in bad_values(item, f"{field}.0"):
            yield inner, [bad]
    elif type_ == "object":
        yield from bad_members(schema, good_value(schema), f"{field}.")


def bad_strings(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("format") == "byte":
        yield from ("#", "YQ", "YQ==\n", "-_==", "A" * (4 * (schema["maxLength"] // 3 + 1)), "")
        return
    if "enum" in schema:
        yield from ("", "UNHEARD_OF", schema["enum"][0].lower())
    if schema.get("minLength"):
        yield ""
    if "maxLength" in schema:
        yield "a" * (schema["maxLength"] + 1)
    if "pattern" in schema:
        yield from ("\x00", "\n", "a\x1f")


def bad_texts(schema: Mapping[str, Any]) -> Iterator[str]:
    """Bad values for a member that is sent as text, in the path or in the query."""
    if schema["type"] == "array":
        yield from bad_strings(resolved(schema["items"]))
    elif schema["type"] == "string":
        yield from bad_strings(schema)
        if "pattern" in schema:
            yield from ("../x", "a/b", "a b", "ä", "%2e%2e", "*", "a\n")
    elif schema["type"] == "boolean":
        yield from ("", "yes", "1", "True", "null")
    else:
        yield from (
            "",
            "x",
            "1.5",
            "0x1",
            "NaN",
            "true",
            "9" * 30,
            str(schema["minimum"] - 1),
            str(schema["maximum"] + 1),
        )


def good_value(schema: Mapping[str, Any]) -> Any:
    """A good value with as few members as may be."""
    if schema["type"] == "object":
        required = schema.get("required", [])
        return {name: good_value(resolved(schema["properties"][name])) for name in required}
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "a", "integer": int(schema.get("minimum", 1)), "number": 1.0, "array": []}[schema["type"]]


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without references, and without the null that stands for an absent member."""
    if "anyOf" in schema:
        return resolved(next(option for option in schema["anyOf"] if option.get("type") != "null"))
    if "$ref" in schema:
        return resolved(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    return schema
