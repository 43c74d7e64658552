"""Reads the record that Lambda sends to an OnFailure destination."""

from collections.abc import Mapping
from typing import Any


def reason_of(record: Mapping[str, Any], work: str) -> str:
    """Why the work came to nothing, as a sentence for its owner."""
    response = record.get("responsePayload")
    told = str(response.get("errorMessage", "")) if isinstance(response, Mapping) else ""
    if "timed out" in told.lower():
        return f"The {work} took longer than it may and was stopped."
    if record.get("requestContext", {}).get("condition") == "EventAgeExceeded":
        return f"The {work} waited too long for its turn."
    return f"The process that worked on the {work} ended unexpectedly."
