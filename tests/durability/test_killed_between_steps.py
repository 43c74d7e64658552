"""A process that is killed between any two statements or changes to files leaves each request whole or undone.

Each case is done again and again in a process of its own, which ends a step later each time. What a new process then
finds is what was there before the request or what it leaves, never something between; no body is astray, and the
doctor has nothing to say. `make test` kills some requests at a few of their steps, `make test-all` all at all.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloud import CloudOptions, LocalCloud
from infra.local.deployment import STACK_NAME
from infra.local.durable.care.doctor import diagnose
from infra.local.durable.folder import DataFolder
from tests.killed import Steps, dies

LAST = 5  # steps, beside the first, that are killed at in `make test`
LARGE = b"a body that does not fit into a row" * 3000
OTHER = b"another one of that size, or so we think" * 3000

STACK = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: stacked
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: stacked}
"""

ClientOf = Callable[[str], Any]


@contextmanager
def opened(data: Path) -> Iterator[tuple[DataFolder, ClientOf]]:
    folder = DataFolder.open(data)
    try:
        endpoint = "http://127.0.0.1:4242"
        cloud = LocalCloud(folder, CloudOptions(endpoint, endpoint))
        try:
            yield folder, cloud.session.client
        finally:
            cloud.close()
    finally:
        folder.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed folder. To be copied, not opened."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    with opened(data) as (_, client):
        prepare(client)
    return data


def prepare(client: ClientOf) -> None:
    client("dynamodb").create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "kind")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "kinds",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for number in range(3):
        client("dynamodb").put_item(TableName="items", Item=item(number, "first"))
    s3 = client("s3")
    for bucket in ("objects", "versions", "emptied"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for bucket in ("objects", "versions"):
        s3.put_object(Bucket=bucket, Key="small", Body=b"first")
        s3.put_object(Bucket=bucket, Key="large", Body=LARGE)
    for bucket in ("objects", "emptied"):
        upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
        for number in (1, 2):
            s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=OTHER)
    client("iam").create_user(UserName="first")
    client("logs").create_log_group(logGroupName="group")
    client("logs").create_log_stream(logGroupName="group", logStreamName="stream")


def item(number: int, kind: str) -> dict[str, Any]:
    return {"id": {"S": str(number)}, "kind": {"S": kind}}


def put_small_object(client: ClientOf) -> None:
    client("s3").put_object(Bucket="objects", Key="small", Body=b"second")


def put_large_object(client: ClientOf) -> None:
    client("s3").put_object(Bucket="objects", Key="large", Body=OTHER)


def put_version(client: ClientOf) -> None:
    client("s3").put_object(Bucket="versions", Key="large", Body=OTHER)


def copy_object(client: ClientOf) -> None:
    client("s3").copy_object(Bucket="objects", Key="copy", CopySource={"Bucket": "versions", "Key": "large"})


def upload_part(client: ClientOf) -> None:
    client("s3").upload_part(Bucket="objects", Key="large", UploadId=upload(client), PartNumber=2, Body=LARGE)


def complete_upload(client: ClientOf) -> None:
    (_, part) = client("s3").list_parts(Bucket="objects", Key="large", UploadId=upload(client))["Parts"]
    parts = [{"PartNumber": 2, "ETag": part["ETag"]}]
    client("s3").complete_multipart_upload(
        Bucket="objects", Key="large", UploadId=upload(client), MultipartUpload={"Parts": parts}
    )


def abort_upload(client: ClientOf) -> None:
    client("s3").abort_multipart_upload(Bucket="objects", Key="large", UploadId=upload(client))


def upload(client: ClientOf) -> str:
    (found,) = client("s3").list_multipart_uploads(Bucket="objects")["Uploads"]
    upload_id: str = found["UploadId"]
    return upload_id


def delete_objects(client: ClientOf) -> None:
    client("s3").delete_objects(Bucket="objects", Delete={"Objects": [{"Key": "small"}, {"Key": "large"}]})


def delete_bucket(client: ClientOf) -> None:
    client("s3").delete_bucket(Bucket="emptied")


def transact(client: ClientOf) -> None:
    client("dynamodb").transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "items", "Item": item(0, "second")}},
            {"Delete": {"TableName": "items", "Key": {"id": {"S": "1"}}}},
            {
                "Update": {
                    "TableName": "items",
                    "Key": {"id": {"S": "2"}},
                    "UpdateExpression": "SET kind = :kind",
                    "ExpressionAttributeValues": {":kind": {"S": "second"}},
                }
            },
        ]
    )


def delete_table(client: ClientOf) -> None:
    client("dynamodb").delete_table(TableName="items")


def create_stack(client: ClientOf) -> None:
    client("cloudformation").create_stack(StackName="stacked", TemplateBody=STACK)


def create_user(client: ClientOf) -> None:
    client("iam").create_user(UserName="second")


def put_log_events(client: ClientOf) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": str(number)} for number in range(3)]
    client("logs").put_log_events(logGroupName="group", logStreamName="stream", logEvents=events)


REQUESTS = [
    put_small_object,
    put_large_object,
    put_version,
    copy_object,
    upload_part,
    complete_upload,
    abort_upload,
    delete_objects,
    delete_bucket,
    transact,
    delete_table,
    create_stack,
    create_user,
    put_log_events,
]


def told(client: ClientOf) -> dict[str, Any]:
    """What clients can see of the account, as far as the requests above change it."""
    s3, dynamodb = client("s3"), client("dynamodb")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    tables = dynamodb.list_tables()["TableNames"]
    return {
        "objects": {bucket: versions(s3, bucket) for bucket in buckets},
        "uploads": {bucket: parts(s3, bucket) for bucket in buckets},
        "items": {table: items(dynamodb, table) for table in tables},
        "stacks": sorted(stack["StackName"] for stack in client("cloudformation").describe_stacks()["Stacks"]),
        "users": sorted(user["UserName"] for user in client("iam").list_users()["Users"]),
        "events": [
            event["message"]
            for event in client("logs").get_log_events(logGroupName="group", logStreamName="stream")["events"]
        ],
    }


def versions(s3: Any, bucket: str) -> list[tuple[str, str]]:
    found = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    digests = []
    for version in found:
        body = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
        digests.append((version["Key"], hashlib.sha256(body).hexdigest()))
    return digests


def parts(s3: Any, bucket: str) -> list[tuple[str, int, str]]:
    return [
        (upload["Key"], part["PartNumber"], part["ETag"])
        for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        for part in s3.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])["Parts"]
    ]


def items(dynamodb: Any, table: str) -> tuple[int, list[str], list[str]]:
    """Their number as the table tells it, the items, and those in the index."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    scanned = dynamodb.scan(TableName=table)["Items"]
    indexed = dynamodb.scan(TableName=table, IndexName="kinds")["Items"] if table == "items" else []
    return described["ItemCount"], sorted(map(str, scanned)), sorted(map(str, indexed))


def found_in(data: Path) -> dict[str, Any]:
    """What a new process tells of the folder, in which nothing is astray."""
    with opened(data) as (folder, client):
        account = told(client)
        with folder.store.reading() as connection:
            needed = {name for (name,) in connection.execute("SELECT name FROM body_file")}
        assert {entry.name for entry in folder.bodies.folder.iterdir()} - {"bodies.lock"} == needed
    assert diagnose(data, deep=True) == []
    return account


def requested(data: Path, request: Callable[[ClientOf], None], steps: Steps) -> None:
    """Runs in a process of its own: the request, whose steps are watched."""
    folder = DataFolder.open(data)
    cloud = LocalCloud(folder, CloudOptions("http://127.0.0.1:4242", "http://127.0.0.1:4242"))
    steps.watch_files("open")
    steps.watch_statements(folder.store._writer)
    request(cloud.session.client)


def started(data: Path, steps: Steps) -> None:
    """Runs in a process of its own: a start, whose steps are watched."""
    steps.watch_files("open")
    steps.watch_databases()
    LocalCloud(DataFolder.open(data), CloudOptions("http://127.0.0.1:4242", "http://127.0.0.1:4242"))


def dies_before(number: int, work: Callable[[Steps], None]) -> bool:
    """Whether the work has so many steps. It closes nothing: what was answered is on the disk."""
    return dies(lambda: work(Steps(number)))


def steps_of(work: Callable[[Steps], None], notes: Path) -> int:
    """How many steps the work has."""

    def counted() -> None:
        steps = Steps(None)
        work(steps)
        notes.write_text(str(steps.taken))

    assert not dies(counted)
    return int(notes.read_text())


def a_few_of(number: int) -> list[int]:
    """Steps out of so many: the first, and those around the commit and behind it."""
    return sorted({0, *range(max(0, number - LAST), number)})


def check_request(
    prepared: Path, tmp_path: Path, request: Callable[[ClientOf], None], choose: Callable[[int], Iterable[int]]
) -> None:
    def copy(name: object) -> Path:
        return Path(shutil.copytree(prepared, tmp_path / str(name)))

    before, done = found_in(copy("before")), copy("done")
    number_of_steps = steps_of(lambda steps: requested(done, request, steps), tmp_path / "steps")
    after = found_in(done)
    assert after != before
    seen = []
    for number in choose(number_of_steps):
        data = copy(number)
        assert dies_before(number, lambda steps, data=data: requested(data, request, steps))  # type: ignore[misc]
        account = found_in(data)
        assert account in (before, after), f"killed before step {number} of {number_of_steps}"
        seen.append(account == after)
        shutil.rmtree(data)
    assert seen == sorted(seen), "a later kill does not take back more"
    assert not seen[0]


@pytest.mark.parametrize("request_", [put_large_object, transact, create_stack])
def test_a_request_that_is_killed_at_a_few_of_its_steps_is_whole_or_undone(
    prepared: Path, tmp_path: Path, request_: Callable[[ClientOf], None]
) -> None:
    check_request(prepared, tmp_path, request_, a_few_of)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_that_is_killed_at_any_of_its_steps_is_whole_or_undone(
    prepared: Path, tmp_path: Path, request_: Callable[[ClientOf], None]
) -> None:
    check_request(prepared, tmp_path, request_, range)


def check_start(tmp_path: Path, choose: Callable[[int], Iterable[int]]) -> None:
    number_of_steps = steps_of(lambda steps: started(fresh(tmp_path / "done"), steps), tmp_path / "steps")
    for number in choose(number_of_steps):
        data = fresh(tmp_path / str(number))
        assert dies_before(number, lambda steps, data=data: started(data, steps))  # type: ignore[misc]
        with opened(data) as (_, client):
            stacks = client("cloudformation").describe_stacks()["Stacks"]
            assert [stack["StackName"] for stack in stacks] == [STACK_NAME]
        assert diagnose(data) == []
        assert not [entry.name for entry in data.iterdir() if entry.name.endswith(".new")]
        shutil.rmtree(data)


def fresh(data: Path) -> Path:
    data.mkdir()
    return data


def test_a_first_start_that_is_killed_at_a_few_of_its_steps_is_followed_by_a_sound_one(tmp_path: Path) -> None:
    check_start(tmp_path, a_few_of)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_first_start_that_is_killed_at_any_of_its_steps_is_followed_by_a_sound_one(tmp_path: Path) -> None:
    check_start(tmp_path, range)
