"""Asks for a composition or a rendering: invokes the function that makes it, and does not wait for it."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from service.errors import ThrottlingException
from service.resources import Audio, Composition

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

TOO_BUSY = frozenset({"TooManyRequestsException", "EC2ThrottledException", "ResourceConflictException"})


@dataclass(frozen=True)
class Inference:
    """The functions that do the heavy work, by name. `caller` in each payload keeps the queue fair between callers."""

    client: "LambdaClient"
    compose_function: str
    render_function: str

    def compose(self, composition: Composition) -> None:
        """Raises ThrottlingException when the queue is full."""
        self._invoke(
            self.compose_function,
            {"compositionId": composition.id, "account": composition.account, "caller": composition.owner},
        )

    def render(self, audio: Audio, caller: str) -> None:
        """Raises ThrottlingException when the queue is full. `caller` is the ARN of who asked."""
        self._invoke(
            self.render_function,
            {"compositionId": audio.composition_id, "audioId": audio.id, "account": audio.account, "caller": caller},
        )

    def _invoke(self, function: str, payload: dict[str, Any]) -> None:
        try:
            self.client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(payload).encode())
        except ClientError as error:
            if error.response["Error"]["Code"] in TOO_BUSY:
                raise ThrottlingException(
                    "Too many compositions and renderings are waiting. Try again in a moment."
                ) from error
            raise
