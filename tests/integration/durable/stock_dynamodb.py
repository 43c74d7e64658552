"""moto's own DynamoDB, as it comes, in a process of its own: `python -m tests.integration.durable.stock_dynamodb`.

Reads a request a line, {"target": …, "body": …}, and writes its answer a line: {"status": …, "body": …}, or
{"raised": …} where moto fell over it. A request that fails changes nothing, as with DynamoDB: moto leaves half of it.
"""

import copy
import json
import subprocess
import sys
from typing import Any

from moto.core.request import Request

ACCOUNT = "111122223333"
REGION = "us-east-1"
READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems", "DescribeTable"})


class StockDynamoDB:
    """The process, for a test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        self._process.communicate()

    def answer(self, target: str, body: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"target": target, "body": body}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def main() -> None:
    from moto.dynamodb.responses import DynamoHandler

    from infra.local.moto_services import BACKENDS

    backend = BACKENDS["dynamodb"][ACCOUNT][REGION]
    for line in sys.stdin:
        asked = json.loads(line)
        before = None if asked["target"].partition(".")[2] in READS else copy.deepcopy(backend.tables)
        try:
            url = f"https://dynamodb.{REGION}.amazonaws.com/"
            headers = {"x-amz-target": asked["target"], "content-type": "application/x-amz-json-1.0"}
            headers |= {"host": f"dynamodb.{REGION}.amazonaws.com", "x-moto-account-id": ACCOUNT}
            request = Request.from_primitives("POST", url, headers, asked["body"].encode())
            status, _, body = DynamoHandler.dispatch(request, url, request.headers)
            told = {"status": int(status), "body": json.loads(body)}
        except Exception as error:
            told = {"raised": repr(error)}
        if before is not None and told.get("status") != 200:
            backend.tables = before
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
