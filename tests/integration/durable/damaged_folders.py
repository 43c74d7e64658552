"""A folder with some of everything in it, and ways to damage it."""

import io
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from small_world import SmallWorld

PAGE = 4096
ITEMS = 300
SMALL_OBJECTS = 12
LARGE = bytes(range(256)) * 1200  # more than is kept in a row


def fill(path: Path) -> None:
    """The folder that the tests damage copies of."""
    world = SmallWorld(path)
    _fill_tables(world.client("dynamodb"))
    _fill_logs(world.client("logs"))
    _fill_buckets(world.client("s3"), world.client("kms"))
    world.client("iam").create_user(UserName="ada")
    world.close()


def _fill_tables(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="notes",
        AttributeDefinitions=[
            {"AttributeName": "voice", "AttributeType": "S"},
            {"AttributeName": "bar", "AttributeType": "N"},
            {"AttributeName": "mood", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "voice", "KeyType": "HASH"}, {"AttributeName": "bar", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-mood",
                "KeySchema": [{"AttributeName": "mood", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(ITEMS):
        item = {
            "voice": {"S": f"voice {number % 4}"},
            "bar": {"N": str(number)},
            "mood": {"S": ("calm", "merry")[number % 2]},
            "text": {"S": f"{number} " * 60 if number != 7 else "long " * 3000},  # one is on pages of its own
        }
        dynamodb.put_item(TableName="notes", Item=item)
    for number in range(0, ITEMS, 10):
        dynamodb.delete_item(TableName="notes", Key=key_of(number))


def key_of(number: int) -> dict[str, Any]:
    return {"voice": {"S": f"voice {number % 4}"}, "bar": {"N": str(number)}}


def _fill_logs(logs: Any) -> None:
    logs.create_log_group(logGroupName="/choir")
    logs.create_log_stream(logGroupName="/choir", logStreamName="altos")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": f"event {number} " * 10} for number in range(100)]
    logs.put_log_events(logGroupName="/choir", logStreamName="altos", logEvents=events)


def _fill_buckets(s3: Any, kms: Any) -> None:
    s3.create_bucket(Bucket="music")
    for number in range(SMALL_OBJECTS):
        s3.put_object(Bucket="music", Key=f"small/{number}", Body=b"tune %d " % number * 200)
    for number in range(2):
        s3.put_object(Bucket="music", Key=f"large/{number}", Body=io.BytesIO(LARGE))
    key = kms.create_key(KeySpec="SYMMETRIC_DEFAULT", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    s3.put_object(Bucket="music", Key="secret", Body=b"s", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    upload = s3.create_multipart_upload(Bucket="music", Key="parts")["UploadId"]
    s3.upload_part(Bucket="music", Key="parts", UploadId=upload, PartNumber=3, Body=io.BytesIO(LARGE))


def answers(path: Path) -> dict[str, Any]:
    """Everything that the account answers about items, objects, events and users."""
    world = SmallWorld(path)
    try:
        s3, dynamodb, logs = world.client("s3"), world.client("dynamodb"), world.client("logs")
        scanned = dynamodb.get_paginator("scan").paginate(TableName="notes")
        items = {int(item["bar"]["N"]): item for page in scanned for item in page["Items"]}
        calm = dynamodb.get_paginator("query").paginate(
            TableName="notes",
            IndexName="by-mood",
            KeyConditionExpression="mood = :m",
            ExpressionAttributeValues={":m": {"S": "calm"}},
        )
        objects = [row["Key"] for row in s3.list_objects_v2(Bucket="music").get("Contents", [])]
        events = logs.get_log_events(logGroupName="/choir", logStreamName="altos", startFromHead=True)["events"]
        return {
            "items": items,
            "calm": {int(item["bar"]["N"]) for page in calm for item in page["Items"]},
            "count": dynamodb.describe_table(TableName="notes")["Table"]["ItemCount"],
            "objects": {key: s3.get_object(Bucket="music", Key=key)["Body"].read() for key in objects},
            "events": [event["message"] for event in events],
            "users": [user["UserName"] for user in world.client("iam").list_users()["Users"]],
        }
    finally:
        world.close()


def copied(original: Path, path: Path) -> Path:
    shutil.copytree(original, path)
    return path


def change_file(path: Path, change: Callable[[bytearray], None]) -> None:
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)


def flip(path: Path, offset: int) -> None:
    """Change one byte of a file; a negative offset counts from its end."""

    def change(content: bytearray) -> None:
        content[offset] ^= 0x5A

    change_file(path, change)


def zero_page(data: Path, offset: int) -> None:
    """Make zeros of the page of the database in which this offset lies."""
    start = offset // PAGE * PAGE
    change_file(data / "state.db", lambda content: content.__setitem__(slice(start, start + PAGE), bytes(PAGE)))


def rows(data: Path, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What is in the database of a folder that nobody has open; also changes it."""
    with closing(sqlite3.connect(data / "state.db", isolation_level=None)) as connection:
        return connection.execute(statement, parameters).fetchall()


def offset_of(data: Path, content: bytes) -> int:
    """Where in the database file a value is; the whole of it may be on several pages."""
    found = (data / "state.db").read_bytes().find(content[:200])
    assert found >= 0
    return found


def pages_of(data: Path, kinds: bytes) -> list[int]:
    """The offsets of the pages whose first byte is one of these, but for the first page."""
    content = (data / "state.db").read_bytes()
    return [offset for offset in range(PAGE, len(content), PAGE) if content[offset] in kinds]
