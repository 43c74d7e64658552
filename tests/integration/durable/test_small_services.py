"""The small services on the disk: what is taken back, what a failed commit leaves, and what cannot be read."""

import threading
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.durable.errors import DamagedError, DiskFullError, StoreError
from infra.local.durable.logs.stored_logs import LEFT_OUT
from infra.local.durable.services import service_states, stack_state
from infra.local.durable.services.class_attributes import attributes_of
from infra.local.durable.services.graph_classes import SERVICES, codec_of
from infra.local.durable.services.service_states import ServiceState
from infra.local.durable.services.small_services import state_place
from infra.local.moto_services import BACKENDS
from tests.integration.durable.account_answers import answers
from tests.integration.durable.filled_account import ALLOW, SMALL
from tests.integration.durable.small_world import SmallWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallWorld]:
    world = SmallWorld(tmp_path)
    yield world
    world.close()


def captured(world: SmallWorld) -> dict[str, bytes]:
    return {service: state.capture() for service, state in world.small._states.items()}


def stored(world: SmallWorld) -> dict[str, bytes | None]:
    with world.folder.store.reading():
        return {service: world.small.stored(service) for service in SERVICES}


def users(world: SmallWorld) -> list[str]:
    return [user["UserName"] for user in world.client("iam").list_users()["Users"]]


def replace_state(world: SmallWorld, service: str, content: bytes) -> None:
    sealed = world.folder.store.rows.seal(zlib.compress(content), state_place(service))
    with world.folder.store.writing() as connection:
        connection.execute("UPDATE state SET content = ? WHERE service = ?", (sealed, service))


def reopened(world: SmallWorld, tmp_path: Path) -> SmallWorld:
    world.close()
    return SmallWorld(tmp_path)


def test_what_is_in_memory_is_what_is_stored(filled: SmallWorld) -> None:
    assert {service: content for service, content in stored(filled).items() if content is not None} == {
        service: content for service, content in captured(filled).items() if service != "sts"
    }


def test_a_state_is_written_only_when_it_changed(world: SmallWorld) -> None:
    world.client("iam").create_user(UserName="ada")
    with world.folder.store.writing() as connection:
        before = connection.total_changes
        world.small.flush(SERVICES)
        assert connection.total_changes == before


def test_restoring_what_is_there_changes_nothing(filled: SmallWorld) -> None:
    before, told = captured(filled), answers(filled.client)
    with filled.folder.store.writing():
        filled.small.reload()
    assert captured(filled) == before
    assert answers(filled.client) == told


def test_a_refused_request_leaves_nothing_in_memory(filled: SmallWorld) -> None:
    before = captured(filled)
    template = """
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /half}}
  Policy:
    Type: AWS::IAM::Policy
    Properties: {PolicyName: half, Users: [nobody], PolicyDocument: {Version: "2012-10-17", Statement: []}}
"""
    with pytest.raises(ClientError):
        filled.client("cloudformation").create_stack(StackName="half", TemplateBody=template)
    assert captured(filled) == before
    assert not filled.client("logs").describe_log_groups(logGroupNamePrefix="/half")["logGroups"]


def test_stacks_hold_on_to_resources_of_a_service_that_was_taken_back(filled: SmallWorld) -> None:
    with filled.folder.store.writing():
        filled.client("iam").create_user(UserName="taken-back")
        BACKENDS["iam"][filled.account]["aws"].users["ada"].path = "/changed/"
        filled.small.take_back({"iam"})
    backend = BACKENDS["cloudformation"][filled.account]["us-east-1"]
    stack = next(stack for stack in backend.stacks.values() if stack.name == "full")
    user = stack.resource_map["User"]
    assert user is BACKENDS["iam"][filled.account]["aws"].users["stacked-user"]


def test_a_failed_commit_takes_memory_back(world: SmallWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="kept")

    def write() -> None:
        with world.folder.store.writing() as connection:
            BACKENDS["iam"][world.account]["aws"].create_user("us-east-1", "lost", "/", [])
            world.small.flush({"iam"})
            connection.execute("ROLLBACK")  # as SQLite does by itself when the disk is full

    with pytest.raises(DiskFullError):
        write()
    assert users(world) == ["kept"]
    iam.create_user(UserName="lost")
    assert users(world) == ["kept", "lost"]


def test_a_state_that_was_taken_back_is_stored_when_it_comes_again(world: SmallWorld, tmp_path: Path) -> None:
    backend = BACKENDS["iam"][world.account]["aws"]

    def write() -> None:
        with world.folder.store.writing(undo=lambda: world.small.take_back({"iam"})):
            backend.account_aliases = ["choir"]
            world.small.flush({"iam"})
            backend.account_aliases = []
            raise KeyError

    with pytest.raises(KeyError):
        write()
    world.client("iam").create_account_alias(AccountAlias="choir")
    again = reopened(world, tmp_path)
    assert again.client("iam").list_account_aliases()["AccountAliases"] == ["choir"]
    again.close()


def test_what_was_noted_is_flushed_and_taken_back_with_the_rest(world: SmallWorld, tmp_path: Path) -> None:
    backend = BACKENDS["iam"][world.account]["aws"]
    with world.folder.store.writing():
        backend.account_aliases = ["choir"]
        world.small.note("iam")
        world.small.flush({"kms"})
    with world.folder.store.writing():
        backend.account_aliases = ["other"]
        world.small.note("iam")
        world.small.take_back({"kms"})
    assert backend.account_aliases == ["choir"]
    again = reopened(world, tmp_path)
    assert again.client("iam").list_account_aliases()["AccountAliases"] == ["choir"]
    again.close()


def test_a_damaged_state_is_told_by_its_service(world: SmallWorld, tmp_path: Path) -> None:
    world.client("iam").create_user(UserName="ada")
    with world.folder.store.writing() as connection:
        content = bytearray(connection.execute("SELECT content FROM state WHERE service = 'iam'").fetchone()[0])
        content[-1] ^= 1
        connection.execute("UPDATE state SET content = ? WHERE service = 'iam'", (bytes(content),))
    world.close()
    with pytest.raises(DamagedError, match="state of iam"):
        SmallWorld(tmp_path)
    world.folder.close()


@pytest.mark.parametrize(
    ("of_another", "told"),
    [
        (lambda state: state.replace(b'"path":', b'"where":'), r"User in moto .* does not know where"),
        (lambda state: state.replace(b'"path":"/",', b""), r"User in moto .* also has path"),
        (lambda state: state.replace(b"moto.iam.models:User", b"moto.iam.models:Owner"), "Owner is not among"),
        (lambda state: state.replace(b'"groups":', b'"choirs":'), r"iam in moto .* does not know choirs"),
    ],
)
def test_a_state_of_another_moto_is_refused_where_it_would_be_misunderstood(
    world: SmallWorld, tmp_path: Path, of_another: Any, told: str
) -> None:
    world.client("iam").create_user(UserName="ada")
    content = stored(world)["iam"]
    assert content is not None
    content = content.replace(service_states.MOTO_VERSION.encode(), b"4.0.0", 1)
    replace_state(world, "iam", content)
    world = reopened(world, tmp_path)
    assert users(world) == ["ada"]
    replace_state(world, "iam", of_another(content))
    world.close()
    with pytest.raises(StoreError, match=told):
        SmallWorld(tmp_path)


def test_every_class_that_is_kept_tells_its_attributes() -> None:
    """After an upgrade of moto they are compared with what is stored."""
    for service in SERVICES:
        for kept in codec_of(service, {})._classes.values():
            always, ever = attributes_of(kept.type)
            assert always <= ever
            assert ever or issubclass(kept.type, dict), kept.type


def test_a_state_is_small_and_quickly_taken(world: SmallWorld) -> None:
    iam = BACKENDS["iam"][world.account]["aws"]
    for number in range(300):
        iam.create_user("us-east-1", f"user-{number}", "/", [])
        iam.create_access_key(f"user-{number}")
    content = ServiceState("iam", world.account, LEFT_OUT).capture()
    assert len(content) < 300 * 1200
    assert len(zlib.compress(content, 1)) < 300 * 400


def test_a_secret_is_not_from_a_generator_that_can_be_guessed(
    world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="ada")
    monkeypatch.setattr("infra.local.strong_secrets.random_secret", lambda: "S" * 40)
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    assert key["SecretAccessKey"] == "S" * 40


def test_a_key_that_a_template_made_can_be_described(filled: SmallWorld) -> None:
    key = filled.client("kms").describe_key(KeyId="alias/stacked")["KeyMetadata"]
    assert '"Statement": []' in filled.client("kms").get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]


def test_a_deleted_stack_is_told_of_without_being_made_again(world: SmallWorld, tmp_path: Path) -> None:
    cloudformation, logs = world.client("cloudformation"), world.client("logs")
    template = SMALL.replace("NAME", "/gone") + "\nOutputs: {Name: {Value: !Ref Group}}"
    stack = cloudformation.create_stack(StackName="gone", TemplateBody=template)["StackId"]
    cloudformation.delete_stack(StackName="gone")
    for _ in range(2):
        cloudformation.describe_stacks(StackName=stack)
        resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        assert [resource["PhysicalResourceId"] for resource in resources] == ["/gone"]
        assert not logs.describe_log_groups()["logGroups"]
        world = reopened(world, tmp_path)
        cloudformation, logs = world.client("cloudformation"), world.client("logs")
    world.close()


def test_only_the_latest_deleted_stacks_are_told_of(world: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_state, "DELETED_STACKS_KEPT", 3)
    cloudformation = world.client("cloudformation")
    for number in range(5):
        settings: Any = {"StackName": f"gone-{number}", "TemplateBody": SMALL.replace("NAME", f"/gone-{number}")}
        cloudformation.create_change_set(**settings, ChangeSetName="first", ChangeSetType="CREATE")
        cloudformation.execute_change_set(StackName=f"gone-{number}", ChangeSetName="first")
        cloudformation.delete_stack(StackName=f"gone-{number}")
    told = [stack["StackName"] for stack in cloudformation.list_stacks()["StackSummaries"]]
    assert sorted(told) == ["gone-2", "gone-3", "gone-4"]
    assert not BACKENDS["cloudformation"][world.account]["us-east-1"].change_sets


def test_a_deleted_stack_tells_its_outputs_and_keeps_no_secret(filled: SmallWorld) -> None:
    cloudformation = filled.client("cloudformation")
    key = BACKENDS["kms"][filled.account]["us-east-1"].keys
    material = next(b64encode(key.key_material) for key in key.values() if "alias/stacked" in key.aliases)
    secret = BACKENDS["iam"][filled.account]["aws"].users["stacked-user"].access_keys[0].secret_access_key.encode()
    stack = cloudformation.describe_stacks(StackName="full")["Stacks"][0]
    cloudformation.delete_stack(StackName="full")
    told = cloudformation.describe_stacks(StackName=stack["StackId"])["Stacks"][0]
    assert {o["OutputKey"]: o["OutputValue"] for o in told["Outputs"]} == {
        output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]
    }
    assert len(cloudformation.list_stack_resources(StackName=stack["StackId"])["StackResourceSummaries"]) == 10
    for content in stored(filled).values():
        assert content is None or (material not in content and secret not in content)


def test_a_version_in_a_template_is_no_date(world: SmallWorld) -> None:
    template = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: organ
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: own
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
"""
    world.client("cloudformation").create_stack(StackName="dated", TemplateBody=template)
    iam = world.client("iam")
    assert iam.get_role_policy(RoleName="organ", PolicyName="own")["PolicyDocument"]["Version"] == "2012-10-17"
    assert iam.get_role(RoleName="organ")["Role"]["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"


def test_a_resource_whose_condition_is_false_is_not_told_of(filled: SmallWorld) -> None:
    resources = filled.client("cloudformation").describe_stack_resources(StackName="full")["StackResources"]
    assert "Unmade" not in {resource["LogicalResourceId"] for resource in resources}
    assert len(resources) == 10


def test_an_attachment_survives_with_its_count(world: SmallWorld, tmp_path: Path) -> None:
    iam = world.client("iam")
    arn = iam.create_policy(PolicyName="sing", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.create_user(UserName="ada")
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    again = reopened(world, tmp_path)
    iam = again.client("iam")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    iam.detach_user_policy(UserName="ada", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0
    again.close()


def test_policies_of_aws_are_attached_and_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    world = SmallWorld(tmp_path)
    iam = world.client("iam")
    iam.create_user(UserName="ada")
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    content = stored(world)["iam"]
    assert content is not None
    assert len(content) < 3000
    again = reopened(world, tmp_path)
    iam = again.client("iam")
    assert iam.list_attached_user_policies(UserName="ada")["AttachedPolicies"][0]["PolicyArn"] == arn
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    iam.detach_user_policy(UserName="ada", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0
    again.close()


def test_who_reads_without_a_turn_never_sees_a_service_half_restored(filled: SmallWorld) -> None:
    dynamodb, s3 = filled.client("dynamodb"), filled.client("s3")
    key = {"pk": {"S": "song 1"}}
    ended = threading.Event()
    missed: list[BaseException] = []

    def read() -> None:
        while not ended.is_set():
            try:
                assert dynamodb.get_item(TableName="grown", Key=key)["Item"]
                s3.head_object(Bucket="choir-plain", Key="songs/1")
            except BaseException as error:
                missed.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        with filled.folder.store.writing():
            filled.small.reload()
    ended.set()
    reader.join()
    assert not missed
