"""moto's own S3, as it comes, in a process of its own: `python -m tests.integration.durable.stock_s3`.

Reads a call a line, {"call": method of a boto3 client, "parameters": …}, and writes its outcome a line.
"""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError


class StockS3:
    """The process, for a test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        self._process.communicate()

    def call(self, name: str, parameters: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"call": name, "parameters": parameters}
        print(json.dumps(asked, default=lambda body: {"base64": b64encode(body).decode()}), file=self._process.stdin)
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Outcomes:
    """What calls of a client came to, as values that can be compared: times left out, version ids numbered."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._numbers: dict[str, str] = {}

    def call(self, name: str, parameters: Mapping[str, Any]) -> Any:
        try:
            answer = getattr(self._client, name)(**self._with_ids(parameters))
        except ClientError as error:
            return {"error": error.response["Error"]["Code"], "status": _status(error.response)}
        except Exception as error:
            return {"raised": repr(error)}
        return {"status": _status(answer), **self._told(answer)}

    def _told(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._told(member) for name, member in value.items() if name not in _LEFT_OUT}
        if isinstance(value, list):
            return [self._told(element) for element in value]
        if isinstance(value, datetime):
            return "a time"
        if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
            return self._numbers.setdefault(value, f"version {len(self._numbers)}")
        return value if isinstance(value, str | int | type(None)) else b64encode(value.read()).decode()

    def _with_ids(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with the version ids of this side."""
        ids = {number: version_id for version_id, number in self._numbers.items()}
        given = json.loads(json.dumps(parameters, default=lambda body: {"base64": b64encode(body).decode()}))

        def place(value: Any) -> Any:
            if isinstance(value, dict):
                if "base64" in value:
                    return b64decode(value["base64"])
                return {name: place(member) for name, member in value.items()}
            if isinstance(value, list):
                return [place(element) for element in value]
            return ids.get(value, value) if isinstance(value, str) else value

        return place(given)


_LEFT_OUT = frozenset({"ResponseMetadata", "ServerSideEncryption", "NextContinuationToken", "ContinuationToken"})


def _status(answer: Mapping[str, Any]) -> int:
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def main() -> None:
    from tests.integration.durable.object_host import answer_of_moto, client_of

    outcomes = Outcomes(client_of("s3", lambda request, operation: answer_of_moto("s3", request)))
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(outcomes.call(asked["call"], asked["parameters"])), flush=True)


if __name__ == "__main__":
    main()
