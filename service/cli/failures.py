"""Turns the errors that a user can do something about into one sentence each."""

import errno
from typing import Any

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    WaiterError,
)

from infra.local.account import AccountError
from infra.local.durable.errors import StoreError, WriteRefusedError
from infra.local.environment import NotRunningError
from infra.local.platform_calls import FolderInUseError
from service.music.midi import MidiError

# What is wrong with the disk is said even where nobody knows with which file.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)


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
        case StoreError() | WriteRefusedError() | FolderInUseError():
            return str(error)
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}"
        case OSError() if error.errno in _OF_THE_DISK:
            return str(error.strerror)
    return None
