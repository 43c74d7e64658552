"""Where SDKs find the service: the caller's own endpoint, or the regional one that AWS's had."""

from typing import Any

_PARAMETERS = {
    "Region": ("AWS::Region", "string", None, "The region to send the request to."),
    "UseDualStack": ("AWS::UseDualStack", "boolean", False, "Whether to use a dual-stack endpoint. There is none."),
    "UseFIPS": ("AWS::UseFIPS", "boolean", False, "Whether to use a FIPS endpoint. There is none."),
    "Endpoint": ("SDK::Endpoint", "string", None, "The endpoint to use instead."),
}


def endpoint_rules(service: str) -> dict[str, Any]:
    """endpoint-rule-set-1.json: the rules are tried from the first, and each ends in an endpoint or in an error."""
    return {
        "version": "1.0",
        "parameters": {name: _parameter(*declared) for name, declared in _PARAMETERS.items()},
        "rules": [
            _endpoint([_is_set("Endpoint")], {"ref": "Endpoint"}),
            _error([_is_true("UseFIPS")], "The service has no FIPS endpoint."),
            _error([_is_true("UseDualStack")], "The service has no dual-stack endpoint."),
            _endpoint(
                [_is_set("Region"), {"fn": "aws.partition", "argv": [{"ref": "Region"}], "assign": "PartitionResult"}],
                f"https://{service}.{{Region}}.{{PartitionResult#dnsSuffix}}",
            ),
            _error([], "Invalid Configuration: Missing Region"),
        ],
    }


def _parameter(built_in: str, type_: str, default: bool | None, meaning: str) -> dict[str, Any]:
    parameter = {"builtIn": built_in, "required": default is not None, "documentation": meaning, "type": type_}
    return parameter if default is None else parameter | {"default": default}


def _is_set(parameter: str) -> dict[str, Any]:
    return {"fn": "isSet", "argv": [{"ref": parameter}]}


def _is_true(parameter: str) -> dict[str, Any]:
    return {"fn": "booleanEquals", "argv": [{"ref": parameter}, True]}


def _endpoint(conditions: list[dict[str, Any]], url: str | dict[str, str]) -> dict[str, Any]:
    return {"conditions": conditions, "endpoint": {"url": url, "properties": {}, "headers": {}}, "type": "endpoint"}


def _error(conditions: list[dict[str, Any]], message: str) -> dict[str, Any]:
    return {"conditions": conditions, "error": message, "type": "error"}
