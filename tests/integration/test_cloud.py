"""The local AWS as a whole, without a socket."""

import json
import subprocess
import sys
from typing import Any

import pytest
from botocore.config import Config

from infra.local.cloud import COMPOSE_FUNCTION, RENDER_FUNCTION, LocalCloud
from infra.local.functions import Limits
from infra.local.sessions import WORKER_ROLE
from service.bootstrap import Settings


def invoke(cloud: LocalCloud, caller: str) -> Any:
    client = cloud.session.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    payload = json.dumps({"compositionId": "c", "account": cloud.account.id, "caller": caller}).encode()
    return client.invoke(FunctionName=COMPOSE_FUNCTION, InvocationType="Event", Payload=payload)


def test_the_library_acts_on_the_deployed_storage(local_cloud: LocalCloud) -> None:
    assert local_cloud.services.library.list_compositions(local_cloud.account.root, limit=10) == ([], None)
    assert local_cloud.settings.table in local_cloud.session.client("dynamodb").list_tables()["TableNames"]
    buckets = local_cloud.session.client("s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == [local_cloud.settings.music_bucket]


def test_an_account_starts_with_the_storage_and_nothing_else(local_cloud: LocalCloud) -> None:
    session = local_cloud.session
    assert session.client("dynamodb").list_tables()["TableNames"] == [local_cloud.settings.table]
    assert [stack["StackName"] for stack in session.client("cloudformation").describe_stacks()["Stacks"]] == [
        "chorale-storage"
    ]
    assert session.client("iam").list_users()["Users"] == []


def test_both_functions_are_registered(local_cloud: LocalCloud) -> None:
    client = local_cloud.session.client("lambda")
    for name in (COMPOSE_FUNCTION, RENDER_FUNCTION):
        assert client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="another", InvocationType="DryRun")


def test_more_invocations_than_may_wait_are_refused_by_lambdas_error(local_cloud: LocalCloud) -> None:
    for _ in range(Limits().waiting_per_caller):
        assert invoke(local_cloud, "arn:aws:iam::123456789012:user/flood")["StatusCode"] == 202
    with pytest.raises(local_cloud.session.client("lambda").exceptions.ClientError) as refusal:
        invoke(local_cloud, "arn:aws:iam::123456789012:user/flood")
    assert refusal.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert invoke(local_cloud, "arn:aws:iam::123456789012:user/modest")["StatusCode"] == 202


def test_a_worker_acts_under_a_role_of_its_own_with_the_same_settings(local_cloud: LocalCloud) -> None:
    environment = local_cloud.worker_environment()
    session = local_cloud.sessions.open(environment["AWS_SESSION_TOKEN"])
    assert session is not None
    assert session.caller.arn == f"arn:aws:sts::{local_cloud.account.id}:assumed-role/{WORKER_ROLE}/worker"
    assert session.secret_access_key == environment["AWS_SECRET_ACCESS_KEY"]
    assert Settings.from_environment(environment) == local_cloud.settings
    assert local_cloud.account.secret_access_key not in environment.values()


LOADED = """
import json, sys
import infra.local.server
from infra.local.cloud import CloudOptions, LocalCloud
from infra.local.durable.folder import DataFolder
from pathlib import Path
folder = DataFolder.open(Path(sys.argv[1]))
cloud = LocalCloud(folder, CloudOptions("http://127.0.0.1:1", "http://127.0.0.1:1"))
print(json.dumps(sorted(sys.modules)))
cloud.close()
"""


def test_the_serving_process_loads_nothing_heavy(tmp_path: Any) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path / "data")], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(json.loads(ran.stdout))
    heavy = {
        "torch",
        "cfnlint",
        "docker",
        "flask",
        "openapi_spec_validator",
        "moto.ec2",
        "moto.sagemaker",
        "tinysoundfont",
    }
    assert loaded & heavy == set()
    assert "moto.cloudformation.responses" in loaded
