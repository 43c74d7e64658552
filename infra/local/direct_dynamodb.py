"""The direct way of our own DynamoDB clients to a hosted account, for operations on items.

A client's method calls moto's handler and gets its answer: no endpoint rules, serialization, signing, HTTP or
parsing. What a program sees is what the ordinary way shows it, errors and all; so do handlers that were registered on
the client's events, as far as they concern parameters and answers.
"""

import uuid
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.exceptions import ParamValidationError
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.validate import ParamValidationDecorator, ParamValidator

from infra.local.http import LocalResponse
from infra.local.moto_host import MotoHost

# Operations on items: what they take and answer is plain JSON, which moto's handler takes and answers as it is.
_OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)


def direct_clients(host: MotoHost) -> Callable[..., None]:
    """A handler for botocore's `creating-client-class.dynamodb`: such clients go directly to `host`."""

    def add_base(base_classes: list[type], **_: Any) -> None:
        base_classes.insert(0, type("DirectItems", (_DirectItems,), {"_host": host}))

    return add_base


_Client: Any = BaseClient  # its stubs leave out nearly everything


class _DirectItems(_Client):
    """A client of DynamoDB, whose operations on items in the account's home region are carried out at once."""

    _host: MotoHost
    _validator: Any = ParamValidator()
    _parser: Any = create_parser("json")

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> dict[str, Any]:
        if operation_name not in _OPERATIONS or self.meta.region_name != self._host.region:
            ordinary: dict[str, Any] = super()._make_api_call(operation_name, api_params)
            return ordinary
        model = self._service_model.operation_model(operation_name)
        context = {"client_region": self.meta.region_name, "client_config": self.meta.config}
        parameters = self._emit_api_params(api_params, model, context)
        if isinstance(self._serializer, ParamValidationDecorator):  # as the client's Config has it
            self._check(parameters, model)
        answer = self._host.dynamodb(operation_name, xform_name(operation_name), plain(parameters))
        status, parsed = (200, _parsed(answer.members, model)) if answer.error is None else self._error(answer.error)
        response: Any = AWSResponse(self.meta.endpoint_url, status, HTTPHeaders(), None)
        self.meta.events.emit(
            f"after-call.dynamodb.{operation_name}",
            http_response=response,
            parsed=parsed,
            model=model,
            context=context,
        )
        if answer.error is not None:
            raise self.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation_name)
        return parsed

    def _check(self, parameters: dict[str, Any], model: OperationModel) -> None:
        report = self._validator.validate(parameters, model.input_shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())

    def _error(self, error: LocalResponse) -> tuple[int, dict[str, Any]]:
        headers = {name.lower(): value for name, value in error.headers}
        headers.setdefault("x-amzn-requestid", str(uuid.uuid4()))
        response = {"status_code": error.status, "headers": headers, "body": error.body}
        parsed: dict[str, Any] = self._parser.parse(response, None)
        shape = self._service_model.shape_for_error_code(parsed["Error"]["Code"])
        if shape is not None:
            parsed.update(self._parser.parse(response, shape))
        parsed["ResponseMetadata"]["RetryAttempts"] = 0
        return error.status, parsed


def _parsed(members: dict[str, Any], model: OperationModel) -> dict[str, Any]:
    """The answer as botocore would have parsed it."""
    assert model.output_shape is not None  # every operation on items has one
    known = model.output_shape.members
    parsed = {name: value for name, value in members.items() if name in known and value is not None}
    request_id = str(uuid.uuid4())
    parsed["ResponseMetadata"] = {
        "RequestId": request_id,
        "HTTPStatusCode": 200,
        "HTTPHeaders": {"x-amzn-requestid": request_id},
        "RetryAttempts": 0,
    }
    return parsed


def plain(value: Any) -> Any:
    """A copy that nobody else holds, made of what JSON and binary values come as: dict, list, str, bytes."""
    kind = type(value)
    if kind is str or kind is bytes:
        return value
    if isinstance(value, dict):
        # Text may be given for a binary value. In a map of attributes, B and BS are objects.
        if isinstance(value.get("B"), str):
            return {"B": value["B"].encode()}
        if isinstance(value.get("BS"), list):
            return {"BS": [plain({"B": element})["B"] for element in value["BS"]]}
        return {str(name): plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    if isinstance(value, str):  # a member of an enumeration
        return str.__str__(value)
    return bytes(value) if isinstance(value, bytearray) else value
