"""Turns the errors that a user can do something about into one sentence each."""

from typing import Any

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    WaiterError,
)

from infra.local.account import AccountError
from infra.local.environment import NotRunningError
from service.music.midi import MidiError


def explain(error: Exception) -> str | None:
    """The sentence for an error, or None for one that is a fault of ours and deserves its traceback."""
    match error:
        case ClientError():
            told = dict(error.response.get("Error", {}))
            return f"{told.get('Message', error)} ({told.get('Code', 'unknown')})"
        case EndpointConnectionError():
            return f"{error}. Is the server running? Start it with `chorale serve`."
        case WaiterError():
            answered: Any = error.last_response
            return answered.get("composition", {}).get("statusReason") or str(error)
        case ParamValidationError():
            return " ".join(str(error).split())
        case NoCredentialsError():
            return 'No credentials were found; run `eval "$(chorale env)"` first.'
        case NotRunningError() | AccountError() | MidiError():
            return str(error)
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}"
    return None
