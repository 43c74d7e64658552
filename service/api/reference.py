"""The API reference, docs/api.md, out of the API's declarations.

    python -m service.api.reference

It is written from the same service model that SDKs get, so that it tells what they know.
"""

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_snake

from service.api.app import openapi
from service.api.service_model import WAITERS, declared_operations, paginators, service_model

PAGE = Path(__file__).parents[2] / "docs" / "api.md"

_INTRODUCTION = """# API reference

This page is generated from the API's declarations (`python -m service.api.reference`); do not edit it.

The service speaks AWS's rest-json protocol: members are camelCase JSON, timestamps are seconds since 1970, blobs are
base64 (boto3 takes and gives `bytes`). Every request is signed with Signature Version 4 for the service
`deepcomposer`. An error's name is in the header `x-amzn-ErrorType`; boto3 raises it as
`client.exceptions.NAME`. Every operation can answer
{common}.
The ids of requests are in `x-amzn-RequestId`. A member of the wrong type is a ValidationException
that names it, as any other broken rule is; a body that is not one unambiguous JSON object is a SerializationException.
Members in **bold** are required in a request, and always there in an
answer; what has no value is left out.
"""

_BOUND_WORDS = {
    "string": ("{} to {} characters", "at least {} characters", "at most {} characters"),
    "blob": ("{} to {} bytes", "at least {} bytes", "at most {} bytes"),
    "list": ("{} to {} items", "at least {} items", "at most {} items"),
    "integer": ("{} to {}", "at least {}", "at most {}"),
    "long": ("{} to {}", "at least {}", "at most {}"),
    "double": ("{} to {}", "at least {}", "at most {}"),
}


def page() -> str:
    """The whole page, in Markdown."""
    document = openapi()
    model = service_model(document)
    declared = {entry["operationId"]: (method, path, entry) for method, path, entry in declared_operations(document)}
    common = sorted(set.intersection(*({error["shape"] for error in op["errors"]} for op in _operations(model))))
    families: dict[str, list[str]] = {}
    for name, (_, _, entry) in declared.items():
        families.setdefault(entry["tags"][0], []).append(name)
    lines = [_INTRODUCTION.format(common=", ".join(common))]
    for family, names in families.items():
        lines.append(f"## {family}\n")
        for name in names:
            method, path, entry = declared[name]
            lines += _operation(model, name, f"{method} {path}", entry["x-aws-iam"], set(common))
    lines += ["## Structures\n", *_structures(model), *_errors(model), *_waiters(model)]
    return "\n".join(lines).rstrip() + "\n"


def _operations(model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from model["operations"].values()


def _operation(
    model: Mapping[str, Any], name: str, request_line: str, access: Mapping[str, str], common: set[str]
) -> list[str]:
    operation = model["operations"][name]
    resource = access["resource"]
    if not resource.startswith(("*", "{")):
        resource = f"arn:aws:deepcomposer:REGION:ACCOUNT:{resource}"
    errors = [error["shape"] for error in operation["errors"] if error["shape"] not in common]
    lines = [
        f"### {name}\n",
        f"`{request_line}` · boto3 `{to_snake(name)}` · IAM action `{access['action']}` on `{resource}`\n",
        _plain(operation["documentation"]) + "\n",
        *_members(model, operation["input"]["shape"], "Request"),
        *_members(model, operation["output"]["shape"], "Answer"),
    ]
    if errors:
        lines.append(f"Further errors: {', '.join(errors)}.\n")
    return lines


def _members(model: Mapping[str, Any], shape_name: str, title: str) -> list[str]:
    shape = model["shapes"][shape_name]
    if not shape["members"]:
        return [f"{title}: no members.\n"]
    rows = [_row(model, name, member, name in shape.get("required", [])) for name, member in shape["members"].items()]
    return [f"{title}:\n", "| member | type | |", "|---|---|---|", *rows, ""]


def _row(model: Mapping[str, Any], name: str, member: Mapping[str, Any], required: bool) -> str:
    shape = model["shapes"][member["shape"]]
    documentation = _plain(member.get("documentation", ""))
    if member.get("location") == "querystring":
        documentation = f"(query) {documentation}"
    name = f"**{name}**" if required else name
    return f"| {name} | {_type(model, member['shape'], shape)} | {_cell(documentation)} |"


def _type(model: Mapping[str, Any], name: str, shape: Mapping[str, Any]) -> str:
    if shape["type"] == "structure":
        return f"[{name}](#{name.lower()})"
    if shape["type"] == "list":
        item = shape["member"]["shape"]
        kind = f"list of {_type(model, item, model['shapes'][item])}"
    elif "enum" in shape:
        return " \\| ".join(shape["enum"])
    else:
        kind = "integer" if shape["type"] == "long" else shape["type"]
    bounds = _bounds(shape)
    return f"{kind}, {bounds}" if bounds else kind


def _bounds(shape: Mapping[str, Any]) -> str:
    low, high = shape.get("min"), shape.get("max")
    both, at_least, at_most = _BOUND_WORDS.get(shape["type"], ("", "", ""))
    told = []
    if low is not None and high is not None:
        told.append(both.format(f"{low:,}", f"{high:,}"))
    elif low is not None:
        told.append(at_least.format(f"{low:,}"))
    elif high is not None:
        told.append(at_most.format(f"{high:,}"))
    if "pattern" in shape and len(shape["pattern"]) < 40:
        told.append(f"`{shape['pattern']}`".replace("|", "\\|"))
    return ", ".join(told)


def _structures(model: Mapping[str, Any]) -> list[str]:
    ends = {part["shape"] for operation in _operations(model) for part in (operation["input"], operation["output"])}
    lines = []
    for name, shape in model["shapes"].items():
        if shape["type"] == "structure" and name not in ends and not shape.get("exception"):
            lines += [f"### {name}\n", _plain(shape.get("documentation", "")) + "\n", *_members(model, name, "Members")]
    return lines


def _errors(model: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {shape['error']['httpStatusCode']} | {_cell(_plain(shape.get('documentation', '')))} |"
        for name, shape in model["shapes"].items()
        if shape.get("exception")
    ]
    return ["## Errors\n", "| name | status | |", "|---|---|---|", *rows, ""]


def _waiters(model: Mapping[str, Any]) -> list[str]:
    waiters = [f"- `{to_snake(name)}`: {waiter['description']}" for name, waiter in WAITERS.items()]
    pages = [f"- `{to_snake(name)}`" for name in paginators(model)["pagination"]]
    return ["## Waiters\n", *waiters, "", "## Paginators\n", *pages, ""]


def _plain(documentation: str) -> str:
    paragraphs = re.findall(r"<p>(.*?)</p>", documentation)
    return "\n\n".join(html.unescape(paragraph) for paragraph in paragraphs)


def _cell(text: str) -> str:
    return text.replace("\n\n", " ").replace("|", "\\|")


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
