"""After a restart the account answers every question as before."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from botocore import xform_name

from infra.local.effects import EFFECTS, Kind
from tests.integration.durable.account_answers import answers
from tests.integration.durable.filled_account import SMALL, TEMPLATE, fill
from tests.integration.durable.small_world import SmallWorld

# Of each kind of key, an algorithm that signs with it.
SIGNING = {
    "RSA_2048": "RSASSA_PSS_SHA_256",
    "ECC_NIST_P256": "ECDSA_SHA_256",
    "ECC_NIST_P384": "ECDSA_SHA_384",
    "ECC_NIST_P521": "ECDSA_SHA_512",
    "ECC_SECG_P256K1": "ECDSA_SHA_256",
}
_NAMES = {"cloudwatch": "logs"}
# Operations that tell of what is kept; GetBucketPolicy has nothing to tell of that anything could have put there.
DESCRIBING = {
    (service, operation)
    for (service, operation), effect in EFFECTS.items()
    if effect.kind is not Kind.WRITES
    and operation.startswith(("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Query", "Scan", "TransactGet"))
    and service != "sts"
    and operation != "GetBucketPolicy"
}

Reopened = Callable[[], SmallWorld]


@pytest.fixture
def reopened(filled: SmallWorld) -> Reopened:
    """Closes the account and opens it again."""

    def reopen() -> SmallWorld:
        filled.close()
        filled.__init__(filled.folder.path)  # type: ignore[misc]
        return filled

    return reopen


def test_every_answer_is_as_before_the_restart(tmp_path: Path) -> None:
    with closing(SmallWorld(tmp_path)) as world:
        fill(world.client)
        told = answers(world.client)
    with closing(SmallWorld(tmp_path)) as world:
        again = answers(world.client)
    assert len(told) > 200
    assert again.keys() == told.keys()
    different = {asked: (told[asked], again[asked]) for asked in told if told[asked] != again[asked]}
    assert not different


def test_everything_that_reads_is_asked(filled: SmallWorld) -> None:
    """Every operation that describes, gets or lists."""
    asked = {tuple(told.split("(")[0].split()) for told in answers(filled.client)}
    names = {(service.lower(), xform_name(operation)) for service, operation in DESCRIBING}
    assert names <= {(_NAMES.get(service, service), operation) for service, _, operation in asked}


def test_keys_do_what_they_did(filled: SmallWorld, reopened: Reopened) -> None:
    kms = filled.client("kms")
    secret = kms.encrypt(KeyId="alias/SYMMETRIC_DEFAULT", Plaintext=b"hymn", EncryptionContext={"a": "b"})
    mac = kms.generate_mac(KeyId="alias/HMAC_256", Message=b"hymn", MacAlgorithm="HMAC_SHA_256")["Mac"]
    signed = {
        (spec, algorithm): kms.sign(KeyId=f"alias/{spec}", Message=b"hymn", SigningAlgorithm=algorithm)["Signature"]
        for spec, algorithm in SIGNING.items()
    }
    kms = reopened().client("kms")
    opened = kms.decrypt(CiphertextBlob=secret["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert opened["Plaintext"] == b"hymn"
    assert kms.verify_mac(KeyId="alias/HMAC_256", Message=b"hymn", MacAlgorithm="HMAC_SHA_256", Mac=mac)["MacValid"]
    for (spec, algorithm), signature in signed.items():
        verified = kms.verify(KeyId=f"alias/{spec}", Message=b"hymn", Signature=signature, SigningAlgorithm=algorithm)
        assert verified["SignatureValid"]


def test_disabled_and_pending_keys_stay_so(filled: SmallWorld, reopened: Reopened) -> None:
    kms = reopened().client("kms")
    by_description = {
        key["Description"]: key
        for key in (kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"])
    }
    with pytest.raises(kms.exceptions.DisabledException):
        kms.encrypt(KeyId=by_description["disabled"]["KeyId"], Plaintext=b"hymn")
    kms.enable_key(KeyId=by_description["disabled"]["KeyId"])
    kms.encrypt(KeyId=by_description["disabled"]["KeyId"], Plaintext=b"hymn")
    kms.cancel_key_deletion(KeyId=by_description["pending"]["KeyId"])


def test_a_stack_is_updated_after_a_restart(filled: SmallWorld, reopened: Reopened) -> None:
    world = reopened()
    cloudformation, logs = world.client("cloudformation"), world.client("logs")
    before = {group["logGroupName"]: group["creationTime"] for group in logs.describe_log_groups()["logGroups"]}
    template = TEMPLATE.replace("stacked-bucket", "renamed-export").replace(
        "Resources:\n", "Resources:\n  Another: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /another}}\n"
    )
    cloudformation.update_stack(StackName="full", TemplateBody=template)
    world = reopened()
    cloudformation, logs = world.client("cloudformation"), world.client("logs")
    assert cloudformation.describe_stacks(StackName="full")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    after = {group["logGroupName"]: group["creationTime"] for group in logs.describe_log_groups()["logGroups"]}
    assert after.pop("/another")
    assert after == before


def test_a_stack_is_deleted_after_a_restart(filled: SmallWorld, reopened: Reopened) -> None:
    world = reopened()
    world.client("cloudformation").delete_stack(StackName="full")
    world = reopened()
    left = [
        *world.client("dynamodb").list_tables()["TableNames"],
        *(bucket["Name"] for bucket in world.client("s3").list_buckets()["Buckets"]),
        *(user["UserName"] for user in world.client("iam").list_users()["Users"]),
        *(role["RoleName"] for role in world.client("iam").list_roles()["Roles"]),
    ]
    assert left
    assert not [name for name in left if name.startswith("stacked")]
    exports = world.client("cloudformation").list_exports()["Exports"]
    assert not exports


def test_a_change_set_is_executed_after_a_restart(filled: SmallWorld, reopened: Reopened) -> None:
    cloudformation = reopened().client("cloudformation")
    cloudformation.execute_change_set(StackName="new", ChangeSetName="change-new")
    world = reopened()
    groups = world.client("logs").describe_log_groups(logGroupNamePrefix="/new/changed")["logGroups"]
    assert len(groups) == 1
    stack = world.client("cloudformation").describe_stacks(StackName="new")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_a_stack_outlives_a_resource_that_was_deleted_behind_its_back(filled: SmallWorld, reopened: Reopened) -> None:
    filled.client("logs").delete_log_group(logGroupName="/stacked/group")
    filled.client("cloudformation").update_stack(StackName="updated", TemplateBody=SMALL.replace("NAME", "/again"))
    world = reopened()
    cloudformation = world.client("cloudformation")
    told = cloudformation.describe_stack_resource(StackName="full", LogicalResourceId="Group")
    assert told["StackResourceDetail"]["PhysicalResourceId"] == "/stacked/group"


def test_what_is_shared_is_still_shared(filled: SmallWorld, reopened: Reopened) -> None:
    iam = reopened().client("iam")
    iam.update_user(UserName="ada", NewUserName="eve")
    members = [user["UserName"] for user in iam.get_group(GroupName="altos")["Users"]]
    assert members == ["eve", "bea"]
    arn = next(p["Arn"] for p in iam.list_policies(Scope="Local")["Policies"] if p["PolicyName"] == "sing")
    iam.detach_role_policy(RoleName="organ", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2


def test_a_bucket_of_before_cannot_be_made_again(filled: SmallWorld, reopened: Reopened) -> None:
    s3 = reopened().client("s3", "eu-west-1")
    with pytest.raises(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket="choir-full", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
