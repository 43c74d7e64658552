"""The input of an AWS JSON request (DynamoDB, KMS, CloudWatch Logs), held against the operation's own shape.

moto takes for granted what AWS's SDKs check before they send, and falls over anything else. AWS answers a client's
mistake with a client's error, so the required members and the types are checked here, before the request is carried
out. Members that the shape does not know are passed over, as AWS does.
"""

import json
import operator
import re
from base64 import b64decode
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

_MAX_DEPTH = 64  # DynamoDB's own limit is 32 levels of a document, each of which is two of JSON

_NAMES = {
    "blob": "base64",
    "boolean": "a boolean",
    "double": "a number",
    "float": "a number",
    "integer": "a whole number",
    "list": "a list",
    "long": "a whole number",
    "map": "an object",
    "string": "a string",
    "structure": "an object",
    "timestamp": "a number of seconds",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (int, float, str),
}
_BITS = {"integer": 32, "long": 64}  # the sign among them
_RANGE_RULES = (("min", operator.lt, "greater"), ("max", operator.gt, "less"))
# Python's Decimal would also read digits of other scripts, and underscores between them.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# What a service calls a request that has the right types and still breaks a rule.
_BROKEN_RULE = {"logs": "InvalidParameterException"}


class InputError(Exception):
    """The client's mistake: the error's code, and the sentence that names the member and the rule."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_input(operation: OperationModel, body: bytes) -> None:
    """Raises InputError unless the body is a JSON object with the operation's required members, all of their types."""
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise InputError("SerializationException", "The body is not valid JSON.") from None
    if not isinstance(members, dict):
        raise InputError("SerializationException", "The body must be a JSON object.")
    if operation.input_shape is not None:
        _Checker(operation.service_model.service_name).check(operation.input_shape, members, "", 0)


class _Checker:
    def __init__(self, service: str) -> None:
        self._broken_rule = _BROKEN_RULE.get(service, "ValidationException")

    def check(self, shape: Shape, value: Any, path: str, depth: int) -> None:
        """Checks a value that is not null, and everything in it."""
        if depth > _MAX_DEPTH:
            raise InputError(self._broken_rule, f"{path[:100]}: is nested too deeply")
        if not _has_type(shape.type_name, value):
            raise InputError("SerializationException", f"{path}: must be {_NAMES[shape.type_name]}")
        if shape.type_name in _BITS:
            self._check_range(shape, value, path)
        elif isinstance(shape, StructureShape):
            self._check_structure(shape, value, path, depth)
        elif isinstance(shape, ListShape):
            for index, element in enumerate(value):
                self._check_element(shape.member, element, f"{path}.{index}", depth)
        elif isinstance(shape, MapShape):
            for key, element in value.items():
                self._check_element(shape.value, element, f"{path}.{key}", depth)

    def _check_range(self, shape: Shape, value: int, path: str) -> None:
        if value.bit_length() >= _BITS[shape.type_name]:
            raise InputError("SerializationException", f"{path}: must be a whole number of this size")
        for bound, is_broken, rule in _RANGE_RULES:
            limit = shape.metadata.get(bound)
            if limit is not None and is_broken(value, limit):
                raise InputError(
                    self._broken_rule,
                    f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: "
                    f"Member must have value {rule} than or equal to {limit}",
                )

    def _check_structure(self, shape: StructureShape, value: dict[str, Any], path: str, depth: int) -> None:
        prefix = f"{path}." if path else ""
        for name in shape.required_members:
            if value.get(name) is None:
                raise InputError(
                    self._broken_rule,
                    f"1 validation error detected: Value null at '{prefix}{name}' failed to satisfy constraint: "
                    "Member must not be null",
                )
        present = {name: member for name, member in shape.members.items() if value.get(name) is not None}
        if shape.name == "AttributeValue" and len(present) != 1:
            message = f"{path}: a supplied AttributeValue must contain exactly one of the supported datatypes"
            raise InputError(self._broken_rule, message)
        if shape.name == "AttributeValue" and "N" in present and not _NUMBER.fullmatch(str(value["N"])):
            message = f"The parameter cannot be converted to a numeric value: {value['N']}"
            raise InputError(self._broken_rule, message)
        for name, member in present.items():
            self.check(member, value[name], f"{prefix}{name}", depth + 1)

    def _check_element(self, shape: Shape, element: Any, path: str, depth: int) -> None:
        if element is None:
            raise InputError("SerializationException", f"{path}: must not be null")
        self.check(shape, element, path, depth + 1)


def _has_type(type_name: str, value: Any) -> bool:
    if type_name == "blob":
        return isinstance(value, str) and _is_base64(value)
    if isinstance(value, bool) and type_name != "boolean":
        return False
    return isinstance(value, _TYPES[type_name])


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except ValueError:
        return False
    return True
