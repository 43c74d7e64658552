"""Authenticated GetComposition against moto's own server answering GetItem of the same item, unauthenticated."""

import json

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.account import Account
from service.cli.client import connect
from tests.benchmarks.load import Load, measure
from tests.benchmarks.result import Result
from tests.benchmarks.servers import Served, chorale, moto

SECONDS = 4.0
CONNECTIONS = (1, 8)


def raw(request: AWSRequest, body: bytes = b"") -> bytes:
    """The bytes of a prepared request."""
    prepared = request.prepare()
    path = prepared.url.split("/", 3)[3]
    lines = [f"{prepared.method} /{path} HTTP/1.1", f"Content-Length: {len(body)}"]
    for name, value in prepared.headers.items():
        if name.lower() != "content-length":
            lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def signed_get(served: Served, composition_id: str) -> bytes:
    account = Account.load(served.data)
    host = f"{served.address[0]}:{served.address[1]}"
    url = f"http://{host}/compositions/{composition_id}?includeOutputMidi=false"
    request = AWSRequest("GET", url, headers={"Host": host})
    credentials = Credentials(account.access_key_id, account.secret_access_key)
    SigV4Auth(credentials, "deepcomposer", account.region).add_auth(request)
    return raw(request)


def item_of(served: Served, composition_id: str) -> tuple[dict, dict]:
    """The table's description and the composition's item, as the service stores it."""
    dynamodb = served.client("dynamodb")
    (name,) = dynamodb.list_tables()["TableNames"]
    table = dynamodb.describe_table(TableName=name)["Table"]
    items = dynamodb.scan(TableName=name)["Items"]
    (item,) = (item for item in items if item["sk"]["S"] == composition_id)
    return table, item


def peer_get(address: tuple[str, int], table: dict, item: dict) -> bytes:
    """A GetItem request for moto's server, after putting the same item there."""
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=f"http://{address[0]}:{address[1]}",
        region_name="us-east-1",
        aws_access_key_id="peer",
        aws_secret_access_key="peer",
    )
    keys = {key["AttributeName"] for key in table["KeySchema"]}
    dynamodb.create_table(
        TableName="peer",
        KeySchema=table["KeySchema"],
        AttributeDefinitions=[row for row in table["AttributeDefinitions"] if row["AttributeName"] in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="peer", Item=item)
    body = json.dumps({"TableName": "peer", "Key": {name: item[name] for name in keys}}).encode()
    headers = {
        "Host": f"{address[0]}:{address[1]}",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "DynamoDB_20120810.GetItem",
        "Authorization": "AWS4-HMAC-SHA256 Credential=peer/20200101/us-east-1/dynamodb/aws4_request, Signature=0",
    }
    return raw(AWSRequest("POST", f"http://{address[0]}:{address[1]}/", headers=headers), body)


def run() -> list[Result]:
    results = []
    with chorale() as served, moto() as peer:
        created = connect(served.data).create_composition(
            name="benchmark", modelId="ar-cnn-bach", modelType="SAMPLE", sampleMelodyId="ode-to-joy",
            inputMidiSource="SAMPLE", inferenceHyperParameters={"samplingIterations": 1},
        )["composition"]  # fmt: skip
        ours = signed_get(served, created["compositionId"])
        theirs = peer_get(peer, *item_of(served, created["compositionId"]))
        for connections in CONNECTIONS:
            measure(served.address, ours, connections, 1.0)
            measure(peer, theirs, connections, 1.0)
            mine, other = _alternating(served.address, ours, peer, theirs, connections)
            detail = (
                f"{mine.per_second:.0f}/s p99 {mine.p99:.1f} ms; moto {other.per_second:.0f}/s p99 {other.p99:.1f} ms"
            )
            results.append(
                Result(
                    f"GetComposition / moto GetItem, {connections} connections",
                    mine.per_second / other.per_second,
                    "×",
                    "at least 1.5, reach 3",
                    detail,
                )
            )
    return results


def _alternating(
    ours: tuple[str, int], our_request: bytes, theirs: tuple[str, int], their_request: bytes, connections: int
) -> tuple[Load, Load]:
    """The median of three rounds each, taken in turn, so that a busy moment of the machine hits both."""
    mine, other = [], []
    for _ in range(3):
        mine.append(measure(ours, our_request, connections, SECONDS / 2))
        other.append(measure(theirs, their_request, connections, SECONDS / 2))
    return sorted(mine, key=_rate)[1], sorted(other, key=_rate)[1]


def _rate(load: Load) -> float:
    return load.per_second
