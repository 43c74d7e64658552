"""The API's declarations as a botocore service model, so that boto3 and the AWS CLI know the service.

    python -m service.api.service_model

writes service/sdk/deepcomposer/VERSION/: the model itself (service-2.json), paginators, waiters and the endpoint rules.
With AWS_DATA_PATH set to service/sdk, `boto3.client("deepcomposer")` finds it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.api.app import API_VERSION, openapi
from service.api.botocore_shapes import Schema, Shapes, documentation
from service.api.endpoint_rules import endpoint_rules
from service.api.errors import ERROR_SHAPES
from service.errors import ServiceError, ThrottlingException

SERVICE = "deepcomposer"
SDK = Path(__file__).parents[1] / "sdk"
FOLDER = SDK / SERVICE / API_VERSION

METADATA = {
    "apiVersion": API_VERSION,
    "auth": ["aws.auth#sigv4"],
    "endpointPrefix": SERVICE,
    "jsonVersion": "1.1",
    "protocol": "rest-json",
    "protocols": ["rest-json"],
    "serviceFullName": "AWS DeepComposer",
    "serviceId": "DeepComposer",
    "signatureVersion": "v4",
    "signingName": SERVICE,
    "uid": f"{SERVICE}-{API_VERSION}",
}

# JMESPath into the answer of GetComposition; the seconds and attempts are how often and how long a waiter asks.
WAITERS = {
    "CompositionCompleted": {
        "description": "Waits until a composition is COMPLETED; fails when it is FAILED.",
        "operation": "GetComposition",
        "delay": 1,
        "maxAttempts": 300,
        "acceptors": [
            {"matcher": "path", "argument": "composition.status", "expected": "COMPLETED", "state": "success"},
            {"matcher": "path", "argument": "composition.status", "expected": "FAILED", "state": "failure"},
        ],
    },
    "AudioCompleted": {
        "description": "Waits until all renderings of one revision, the newest unless revision is given, are "
        "COMPLETED; fails when one FAILED.",
        "operation": "GetComposition",
        "delay": 1,
        "maxAttempts": 300,
        "acceptors": [
            {"matcher": "pathAny", "argument": "composition.audios[].status", "expected": "FAILED", "state": "failure"},
            {
                "matcher": "pathAll",
                "argument": "composition.audios[].status",
                "expected": "COMPLETED",
                "state": "success",
            },
        ],
    },
}


def service_model(document: Mapping[str, Any]) -> dict[str, Any]:
    """service-2.json, out of the OpenAPI document."""
    shapes = Shapes(document["components"]["schemas"])
    operations = {
        declared["operationId"]: _operation(shapes, method, path, declared)
        for method, path, declared in declared_operations(document)
    }
    return {
        "version": "2.0",
        "metadata": METADATA,
        "operations": dict(sorted(operations.items())),
        "shapes": dict(sorted(shapes.collected.items())),
        **documentation(document["info"]),
    }


def declared_operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each operation of an OpenAPI document with its method and path."""
    for path, methods in document["paths"].items():
        for method, declared in methods.items():
            yield method.upper(), path, declared


def _operation(shapes: Shapes, method: str, path: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    name = declared["operationId"]
    return {
        "name": name,
        "http": {"method": method, "requestUri": path, "responseCode": 200},
        "input": {"shape": _input(shapes, name, declared)},
        "output": {"shape": _output(shapes, declared)},
        "errors": [{"shape": _error(shapes, code)} for code in declared["x-aws-errors"]],
        **documentation(declared),
        **({"idempotent": True} if method == "DELETE" else {}),
    }


def _input(shapes: Shapes, operation: str, declared: Mapping[str, Any]) -> str:
    """One structure for all that a request holds: members of the body, of the path and of the query."""
    name = f"{operation}Request"
    shape = shapes.structure(name, _body_schema(shapes, declared))
    required = [parameter["name"] for parameter in declared.get("parameters", []) if parameter["required"]]
    for parameter in declared.get("parameters", []):
        member = shapes.member(name, parameter["name"], parameter["schema"])
        location = "uri" if parameter["in"] == "path" else "querystring"
        shape["members"][parameter["name"]] = member | {"location": location, "locationName": parameter["name"]}
    if required := required + shape.pop("required", []):
        shapes.collected[name] = {"type": "structure", "required": required} | shape
    return name


def _body_schema(shapes: Shapes, declared: Mapping[str, Any]) -> Schema:
    if "requestBody" not in declared:
        return {}
    schema = declared["requestBody"]["content"]["application/json"]["schema"]
    return shapes.schemas[_named(schema)]


def _output(shapes: Shapes, declared: Mapping[str, Any]) -> str:
    name = _named(declared["responses"]["200"]["content"]["application/json"]["schema"])
    shapes.structure(name, shapes.schemas[name])
    return name


def _named(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _error(shapes: Shapes, code: str) -> str:
    error = next(known for known in ERROR_SHAPES if known.__name__ == code)
    shape = shapes.structure(code, shapes.schemas[ERROR_SHAPES[error].__name__])
    shape["exception"] = True
    shape["error"] = _error_trait(error)
    if error.fault == "server":
        shape["fault"] = True
    if error is ThrottlingException:
        shape["retryable"] = {"throttling": True}
    return code


def _error_trait(error: type[ServiceError]) -> dict[str, Any]:
    trait: dict[str, Any] = {"httpStatusCode": error.status}
    return trait | ({"senderFault": True} if error.fault == "client" else {})


def paginators(model: Mapping[str, Any]) -> dict[str, Any]:
    """paginators-1.json: every operation that takes and answers a nextToken has one."""
    found = {}
    for name, operation in model["operations"].items():
        sent = model["shapes"][operation["input"]["shape"]]["members"]
        answered = model["shapes"][operation["output"]["shape"]]["members"]
        if "nextToken" in sent and "nextToken" in answered:
            found[name] = {
                "input_token": "nextToken",
                "limit_key": "maxResults",
                "output_token": "nextToken",
                "result_key": next(member for member in answered if member != "nextToken"),
            }
    return {"pagination": found}


def files() -> dict[str, str]:
    """The text of each file, by its name."""
    model = service_model(openapi())
    contents = {
        "service-2.json": model,
        "paginators-1.json": paginators(model),
        "waiters-2.json": {"version": 2, "waiters": WAITERS},
        "endpoint-rule-set-1.json": endpoint_rules(SERVICE),
    }
    return {name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in contents.items()}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
