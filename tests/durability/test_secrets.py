"""What a busy session leaves on the disk: readable by its owner only, whatever the umask, and without secrets."""

import os
import ssl
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.account import ACCOUNT_FILE, Account
from infra.local.durable.keyring import MASTER_KEY_FILE
from tests.cloud_servers import ServedCloud, start_server, stop_server

# The two files that are there to hold them, for their owner only.
KEEPERS = {ACCOUNT_FILE, MASTER_KEY_FILE}
WITHOUT_UMASK = ("sh", "-c", 'umask 0; exec "$@"', "sh")
PLAIN = "a secret melody "


def test_all_that_a_session_leaves_is_private_and_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--tls", "self", "--no-prewarm", under=WITHOUT_UMASK)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(data / "tls" / "certificate.pem"))
    try:
        cloud = ServedCloud(endpoint, data, Account.load(data), server.pid)
        secrets = busy_session(cloud)
        subprocess.run(
            [*WITHOUT_UMASK, sys.executable, "-m", "service.cli", "env", "--data", str(data)],
            check=True,
            capture_output=True,
        )
        assert open_to_others(data) == []
        assert told_secrets(tmp_path, secrets) == []
        for arguments in Path("/proc").glob("[0-9]*/cmdline"):
            assert not [name for name, secret in secrets.items() if secret in bytes_of(arguments)]
    finally:
        assert stop_server(server) == 0
    assert open_to_others(data) == []
    assert told_secrets(tmp_path, secrets) == []


def busy_session(cloud: ServedCloud) -> dict[str, bytes]:
    """One of everything that holds a secret, among it requests that are refused; the secrets by what they are."""
    iam, kms, logs, s3, dynamodb = map(cloud.client, ("iam", "kms", "logs", "s3", "dynamodb"))
    iam.create_user(UserName="student")
    key = iam.create_access_key(UserName="student")["AccessKey"]
    session = cloud.client("sts").get_session_token()["Credentials"]
    as_session = cloud.session(
        access_key=session["AccessKeyId"], secret=session["SecretAccessKey"], token=session["SessionToken"]
    )
    s3.create_bucket(Bucket="melodies")
    for name, times in (("short", 1), ("long", 10_000)):
        cloud.client("s3", session=as_session).put_object(Bucket="melodies", Key=name, Body=(PLAIN * times).encode())
        fetch(s3.generate_presigned_url("get_object", Params={"Bucket": "melodies", "Key": name}))
    master = kms.create_key()["KeyMetadata"]["KeyId"]
    data_key = kms.generate_data_key(KeyId=master, KeySpec="AES_256")["Plaintext"]
    kms.encrypt(KeyId=master, Plaintext=b"a secret of a client")
    refused(kms.encrypt, KeyId=master, Plaintext=b"a secret that is too long " * 1000)
    table = dynamodb.list_tables()["TableNames"][0]
    refused(dynamodb.put_item, TableName=table, Item={"a secret attribute": {"S": "a secret value"}})
    logs.create_log_group(logGroupName="class")
    logs.create_log_stream(logGroupName="class", logStreamName="room")
    event = {"timestamp": int(time.time() * 1000), "message": "a secret event"}
    logs.put_log_events(logGroupName="class", logStreamName="room", logEvents=[event])
    return {
        "an access key of a user": key["SecretAccessKey"].encode(),
        "the key of a session": session["SecretAccessKey"].encode(),
        "the token of a session": session["SessionToken"].encode(),
        "root's key": cloud.account.secret_access_key.encode(),
        "the master key": (cloud.data / MASTER_KEY_FILE).read_bytes().strip(),
        "a data key of KMS": data_key,
        "what KMS encrypted": b"a secret of a client",
        "what KMS refused": b"a secret that is too long",
        "an object": PLAIN.encode(),
        "an item": b"a secret value",
        "an event": b"a secret event",
    }


def fetch(url: str) -> None:
    with urllib.request.urlopen(url, context=ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])) as answer:
        assert answer.read()


def refused(call: Any, **parameters: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        call(**parameters)


def open_to_others(data: Path) -> list[str]:
    """Everything in the folder, and the folder, that another user could read or write."""
    return [str(path) for path in (data, *data.rglob("*")) if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def told_secrets(folder: Path, secrets: dict[str, bytes]) -> list[str]:
    """Which secrets are in which files."""
    return [
        f"{name} in {file}"
        for file in folder.rglob("*")
        if file.is_file() and file.name not in KEEPERS
        for name, secret in secrets.items()
        if secret in file.read_bytes()
    ]


def bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # the process has ended
        return b""
