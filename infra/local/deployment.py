"""The tables and buckets of infra/storage.yaml, deployed into an account through CloudFormation and read back."""

from dataclasses import dataclass
from importlib.resources import files

import boto3
from botocore.exceptions import ClientError

STACK_NAME = "chorale-storage"
_PUBLIC_ACCESS_BLOCK = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


class DeploymentError(Exception):
    """The storage does not stand as the template says."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The names under which the deployed storage is found: the stack's outputs."""

    table: str
    music_bucket: str


def deploy_storage(session: boto3.Session, account: str, region: str) -> Storage:
    """Create the stack where it does not exist yet. Raises DeploymentError unless public access is blocked."""
    client = session.client("cloudformation")
    if not _exists(session):
        client.create_stack(
            StackName=STACK_NAME,
            TemplateBody=(files("infra") / "storage.yaml").read_text(),
            Parameters=[
                {"ParameterKey": "MusicBucketName", "ParameterValue": f"chorale-music-{account}-{region}"},
            ],
        )
    stack = client.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentError(f"the stack {STACK_NAME} is {stack['StackStatus']}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    storage = Storage(outputs["TableName"], outputs["MusicBucketName"])
    _check_public_access_is_blocked(session, storage.music_bucket)
    return storage


def _exists(session: boto3.Session) -> bool:
    try:
        session.client("cloudformation").describe_stacks(StackName=STACK_NAME)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return False
        raise
    return True


def _check_public_access_is_blocked(session: boto3.Session, bucket: str) -> None:
    found = session.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    if open_ways := [name for name in _PUBLIC_ACCESS_BLOCK if not found.get(name)]:
        raise DeploymentError(f"public access to the bucket {bucket} is not blocked: {', '.join(open_ways)}")
