"""A server whose machine's clock goes forth a week, back a week, and stands still.

Nothing that was written is lost, hidden or out of order, and nothing waits for a time that does not come. The client's
clock is set with the server's, as on one machine; only signatures know of it.
"""

import shutil
import struct
import subprocess
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore import auth

from infra.local.account import Account
from infra.local.durable.care.doctor import diagnose
from tests.cloud_servers import ServedCloud, start_server, stop_server

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/maps").exists() or shutil.which("cc") is None,
    reason="the server's clock is set by a library that is compiled and preloaded",
)

WEEK = timedelta(days=7)
NONE = timedelta()
LONGEST_STEP_SECONDS = 60


class Clock:
    """The wall clock of a server and its clients."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._offset = NONE
        self._stands_at: datetime | None = None
        self._write()
        library = folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        self.command = ("env", f"LD_PRELOAD={library}", f"CLOCK_FILE={self._file}")

    def now(self) -> datetime:
        return self._stands_at or datetime.now(UTC) + self._offset

    def set(self, offset: timedelta, *, stands: bool = False) -> None:
        self._offset = offset
        self._stands_at = datetime.now(UTC) + offset if stands else None
        self._write()

    def _write(self) -> None:
        stands_at = int(self._stands_at.timestamp() * 1e9) if self._stands_at else 0
        content = struct.pack("qq", int(self._offset.total_seconds() * 1e9), stands_at)
        with self._file.open("r+b" if self._file.exists() else "wb") as file:  # it is mapped: always the same file
            file.write(content)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(tmp_path)
    monkeypatch.setattr(auth, "get_current_datetime", lambda remove_tzinfo=True: clock.now().replace(tzinfo=None))
    return clock


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_out_of_order_while_the_clock_jumps(tmp_path: Path, clock: Clock) -> None:
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--no-prewarm", under=clock.command)
    try:
        cloud = ServedCloud(endpoint, data, Account.load(data), server.pid)
        diary = Diary(cloud, clock)
        diary.begin()
        link = diary.link()
        for offset, stands in ((NONE, False), (WEEK, False), (NONE, False), (-WEEK, False), (-WEEK, True)):
            clock.set(offset, stands=stands)
            began = time.monotonic()
            diary.write()
            diary.check()
            assert status_of(link) == (200 if offset == NONE else 403)  # expired, or not yet valid
            assert status_of(diary.link()) == 200
            assert time.monotonic() - began < LONGEST_STEP_SECONDS
    finally:
        assert stop_server(server) == 0

    server, endpoint = start_server(data, "--no-prewarm", under=clock.command)  # a week back, and standing still
    try:
        diary.cloud = ServedCloud(endpoint, data, Account.load(data), server.pid)
        diary.check()
        diary.write()
        clock.set(NONE)
        diary.write()
        diary.check()
    finally:
        assert stop_server(server) == 0
    assert diagnose(data, deep=True) == []


class Diary:
    """Entries that are written one after the other, each to every service, and must be read in this order."""

    def __init__(self, cloud: ServedCloud, clock: Clock) -> None:
        self.cloud = cloud
        self._clock = clock
        self._entries = 0
        self._times: list[int] = []  # of the events, in ms
        self._pages: dict[str, Any] = {}

    def begin(self) -> None:
        client = self.cloud.client
        client("dynamodb").create_table(
            TableName="diary",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        client("s3").create_bucket(Bucket="diary")
        client("s3").put_bucket_versioning(Bucket="diary", VersioningConfiguration={"Status": "Enabled"})
        client("logs").create_log_group(logGroupName="diary")
        client("logs").create_log_stream(logGroupName="diary", logStreamName="all")
        for _ in range(3):
            self.write()
        self._pages = {
            "objects": client("s3").list_objects_v2(Bucket="diary", MaxKeys=1)["NextContinuationToken"],
            "events": client("logs").get_log_events(
                logGroupName="diary", logStreamName="all", limit=2, startFromHead=True
            )["nextForwardToken"],
        }

    def link(self) -> str:
        """A link that holds for an hour."""
        s3 = self.cloud.client("s3")
        link: str = s3.generate_presigned_url("get_object", Params={"Bucket": "diary", "Key": "all"}, ExpiresIn=3600)
        return link

    def write(self) -> None:
        """One more entry; its transaction is sent twice."""
        client, number = self.cloud.client, self._entries
        expression = "ADD times :one SET entries = list_append(if_not_exists(entries, :no), :entry)"
        session = client("sts").get_session_token()["Credentials"]
        keys = {"access_key": session["AccessKeyId"], "secret": session["SecretAccessKey"]}
        as_session = self.cloud.session(**keys, token=session["SessionToken"])
        s3 = client("s3", session=as_session)
        for _ in range(2):
            client("dynamodb").transact_write_items(
                ClientRequestToken=f"entry-{number}",
                TransactItems=[
                    {
                        "Update": {
                            "TableName": "diary",
                            "Key": {"id": {"S": "all"}},
                            "UpdateExpression": expression,
                            "ExpressionAttributeValues": {
                                ":one": {"N": "1"},
                                ":no": {"L": []},
                                ":entry": {"L": [{"S": str(number)}]},
                            },
                        }
                    }
                ],
            )
        s3.put_object(Bucket="diary", Key="all", Body=str(number).encode())
        s3.put_object(Bucket="diary", Key=f"entry/{number:03}", Body=b"large" * 20_000)
        self._times.append(int(self._clock.now().timestamp() * 1000))
        told = client("logs").put_log_events(
            logGroupName="diary",
            logStreamName="all",
            logEvents=[{"timestamp": self._times[-1], "message": str(number)}],
        )
        assert "rejectedLogEventsInfo" not in told
        client("iam").create_user(UserName=f"entry-{number:03}")
        self._entries += 1

    def check(self) -> None:
        """Every entry is there, in its place, and pages that were begun earlier are gone on with."""
        client = self.cloud.client
        numbers = [str(number) for number in range(self._entries)]
        item = client("dynamodb").get_item(TableName="diary", Key={"id": {"S": "all"}})["Item"]
        assert item["times"]["N"] == str(self._entries)
        assert [entry["S"] for entry in item["entries"]["L"]] == numbers
        self._check_objects(client("s3"), numbers)
        self._check_events(client("logs"), numbers)
        users = [user["UserName"] for user in client("iam").list_users()["Users"]]
        assert users == [f"entry-{number:0>3}" for number in numbers]

    def _check_objects(self, s3: Any, numbers: list[str]) -> None:
        versions = s3.list_object_versions(Bucket="diary", Prefix="all")["Versions"]
        bodies = [
            s3.get_object(Bucket="diary", Key="all", VersionId=version["VersionId"])["Body"].read().decode()
            for version in versions
        ]
        assert bodies == numbers[::-1]
        assert [version["IsLatest"] for version in versions] == [True] + [False] * (len(versions) - 1)
        assert s3.get_object(Bucket="diary", Key="all")["Body"].read().decode() == numbers[-1]
        names = [f"entry/{number:0>3}" for number in numbers]
        assert [found["Key"] for found in s3.list_objects_v2(Bucket="diary")["Contents"]] == ["all", *names]
        if self._pages:
            rest = s3.list_objects_v2(Bucket="diary", ContinuationToken=self._pages["objects"])["Contents"]
            assert [found["Key"] for found in rest] == names
        for name in names:
            assert s3.get_object(Bucket="diary", Key=name)["Body"].read() == b"large" * 20_000

    def _check_events(self, logs: Any, numbers: list[str]) -> None:
        stream = {"logGroupName": "diary", "logStreamName": "all", "startFromHead": True}
        in_order = sorted(range(len(numbers)), key=lambda number: (self._times[number], number))
        found = logs.get_log_events(**stream)["events"]
        assert [event["message"] for event in found] == [numbers[number] for number in in_order]
        if self._pages:
            second = sorted(self._times[:3])[1]
            later = [numbers[number] for number in in_order if (self._times[number], number) > (second, 1)]
            rest = logs.get_log_events(**stream, nextToken=self._pages["events"])["events"]
            assert [event["message"] for event in rest] == later


def status_of(link: str) -> int:
    try:
        with urllib.request.urlopen(link) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
