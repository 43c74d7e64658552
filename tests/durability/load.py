"""A client that writes at random to one service, keeps account of the answers, and can look at what is there."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnectionError
from cloud_servers import ServedCloud
from ledger import Ledger

REFUSED_STATUS = 503
GONE = (HTTPClientError, NoConnectionError, IncompleteReadError)


class ServerGoneError(Exception):
    """A write was sent, or could not be, and its answer will never come."""


class Load(ABC):
    """One thread's client of one service. It shares what it writes with no other.

    `refused` counts the writes that were answered 503, and `refusal` is what the last of them was told. SDKs try again
    after a 503 by themselves. Any other error ends the load and is the test's.
    """

    rest = 0.0  # seconds after each step, for what nobody does all the time

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.random = random
        self.ledger: Ledger[Any, Any] = Ledger()
        self.refused = 0
        self.refusal = ""

    @abstractmethod
    def prepare(self, cloud: ServedCloud) -> None:
        """Make, once, what the writes need."""

    @abstractmethod
    def connect(self, cloud: ServedCloud) -> None:
        """Speak to this server from now on."""

    @abstractmethod
    def step(self) -> None:
        """One write, or a few. Raises ServerGoneError."""

    @abstractmethod
    def found(self) -> dict[Any, Any]:
        """All that is there of what the ledger speaks of."""

    @abstractmethod
    def clear(self) -> None:
        """Delete everything that was written."""

    def write(self, changes: Mapping[Any, Any], call: Callable[..., Any], **arguments: Any) -> bool:
        """Whether the call was answered with success; False when the server could not write just then."""
        attempt = self.ledger.begin(changes)
        if not self.send(call, **arguments):
            self.ledger.refuse(attempt)
            return False
        self.ledger.acknowledge(attempt)
        return True

    def send(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """A call that changes nothing the ledger speaks of: its answer, or None when it was refused."""
        try:
            return call(**arguments)
        except GONE as error:
            raise ServerGoneError from error
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != REFUSED_STATUS:
                raise
            self.refused += 1
            self.refusal = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
            return None
