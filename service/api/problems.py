"""Pydantic's findings in the words of this API: each broken rule with the wire path of its field."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.errors import FieldError

# An answer lists no more broken fields than a person would read, and quotes no more of a name.
MAX_LISTED = 50
MAX_NAME = 200

# By Pydantic's type of error; {names} come from the error's context.
RULES = {
    "missing": "is required",
    "extra_forbidden": "is not a member of this request",
    "string_type": "must be a string",
    "string_sub_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "bytes_too_short": "must have at least {min_length} bytes",
    "bytes_too_long": "must have at most {max_length} bytes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number of a reasonable size",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
}


def field_errors(findings: Iterable[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """The broken rules, at most MAX_LISTED of them. `findings` are the errors of a RequestValidationError."""
    listed: list[FieldError] = []
    for finding in findings:
        if len(listed) == MAX_LISTED:
            break
        listed.append(FieldError(_wire_path(finding["loc"]), _rule(finding)))
    return tuple(listed)


def _wire_path(location: tuple[str | int, ...]) -> str:
    # the first part says where the field was sent: path, query or body
    path = ".".join(str(part) for part in location[1:]) or str(location[0])
    return path if len(path) <= MAX_NAME else path[:MAX_NAME] + "…"


def _rule(finding: Mapping[str, Any]) -> str:
    context = finding.get("ctx", {})
    if context.get("min_length") == 1:
        return "must not be empty"
    known = RULES.get(finding["type"])
    if known is None:
        return str(finding["msg"])
    return known.format(**{name: _plain(value) for name, value in context.items()})


def _plain(value: Any) -> Any:
    """A bound as a person writes it: 160, not 160.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
