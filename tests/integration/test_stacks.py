"""CloudFormation: the storage as deployed, and templates carried out in full or refused."""

import json
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hosting import hosted_account

from infra.local.cloudformation_templates import TemplateError, check_template, read_template
from infra.local.deployment import DeploymentError, Storage, deploy_storage
from infra.local.dispatch import Dispatch
from infra.local.http import LocalRequest
from infra.local.moto_host import MotoHost
from infra.local.stacks import Stacks

ACCOUNT, REGION = "123456789012", "us-east-1"
BUCKET = """
Resources:
  Music:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: NAME
      PublicAccessBlockConfiguration: {BlockPublicAcls: true}
      VersioningConfiguration: {Status: Enabled}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoHost]:
    with hosted_account(tmp_path_factory.mktemp("stacks")) as host:
        yield host


@pytest.fixture(scope="module")
def session(host: MotoHost) -> boto3.Session:
    session = Dispatch(host).session(Credentials("ASIAEXAMPLE", "secret", "token"))
    host.put_in_front("cloudformation", Stacks(session).handle)
    return session


@pytest.fixture(scope="module")
def storage(session: boto3.Session) -> Storage:
    return deploy_storage(session, ACCOUNT, REGION)


@pytest.fixture
def client(session: boto3.Session) -> Any:
    return session.client("cloudformation", config=Config(retries={"total_max_attempts": 1}))


def test_the_table_stands_as_the_template_says(session: boto3.Session, storage: Storage) -> None:
    client = session.client("dynamodb")
    written = read_template((files("infra") / "storage.yaml").read_text())["Resources"]["Table"]["Properties"]
    table = client.describe_table(TableName=storage.table)["Table"]
    assert table["KeySchema"] == written["KeySchema"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    indexes = [(index["IndexName"], index["KeySchema"]) for index in table["GlobalSecondaryIndexes"]]
    assert indexes == [(index["IndexName"], index["KeySchema"]) for index in written["GlobalSecondaryIndexes"]]
    assert client.describe_time_to_live(TableName=storage.table)["TimeToLiveDescription"] == {
        "AttributeName": "expires",
        "TimeToLiveStatus": "ENABLED",
    }
    backups = client.describe_continuous_backups(TableName=storage.table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_bucket_stands_as_the_template_says(session: boto3.Session, storage: Storage) -> None:
    s3, bucket = session.client("s3"), {"Bucket": storage.music_bucket}
    assert all(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    rules = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (lifecycle,) = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert lifecycle["ID"] == "abort-incomplete-uploads"
    assert lifecycle["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_deploying_again_changes_nothing(session: boto3.Session, storage: Storage) -> None:
    session.client("dynamodb").put_item(TableName=storage.table, Item={"pk": {"S": "kept"}, "sk": {"S": "1"}})
    assert deploy_storage(session, ACCOUNT, REGION) == storage
    assert session.client("dynamodb").scan(TableName=storage.table)["Count"] == 1


def test_a_bucket_open_to_the_public_stops_the_deployment(session: boto3.Session, storage: Storage) -> None:
    s3 = session.client("s3")
    closed = s3.get_public_access_block(Bucket=storage.music_bucket)["PublicAccessBlockConfiguration"]
    try:
        s3.put_public_access_block(
            Bucket=storage.music_bucket, PublicAccessBlockConfiguration=closed | {"BlockPublicPolicy": False}
        )
        with pytest.raises(DeploymentError, match="BlockPublicPolicy"):
            deploy_storage(session, ACCOUNT, REGION)
    finally:
        s3.put_public_access_block(Bucket=storage.music_bucket, PublicAccessBlockConfiguration=closed)


def test_what_moto_leaves_out_is_set_after_a_stack_is_created(session: boto3.Session, client: Any) -> None:
    client.create_stack(StackName="created", TemplateBody=BUCKET.replace("NAME", "created-bucket"))
    assert_settings(session, "created-bucket")


def test_what_moto_leaves_out_is_set_after_a_change_set_is_executed(session: boto3.Session, client: Any) -> None:
    body = BUCKET.replace("NAME", "changed-bucket")
    client.create_change_set(StackName="changed", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body)
    client.execute_change_set(StackName="changed", ChangeSetName="first")
    assert_settings(session, "changed-bucket")


def test_a_change_set_may_be_executed_by_its_arn(session: boto3.Session, client: Any) -> None:
    body = BUCKET.replace("NAME", "bucket-by-arn")
    made = client.create_change_set(
        StackName="by-arn", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
    )
    client.execute_change_set(ChangeSetName=made["Id"])
    assert_settings(session, "bucket-by-arn")


def test_a_stack_may_stand_in_another_region(session: boto3.Session) -> None:
    elsewhere = session.client("cloudformation", region_name="eu-west-1")
    elsewhere.create_stack(StackName="elsewhere", TemplateBody=BUCKET.replace("NAME", "bucket-elsewhere"))
    assert_settings(session, "bucket-elsewhere")
    assert session.client("s3").head_bucket(Bucket="bucket-elsewhere")["BucketRegion"] == "eu-west-1"


def assert_settings(session: boto3.Session, bucket: str) -> None:
    s3 = session.client("s3")
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


REFUSED = [
    ("Resources: {Queue: {Type: 'AWS::SQS::Queue'}}", "Unrecognized resource types: [AWS::SQS::Queue]"),
    (BUCKET.replace("BucketName: NAME", "AccelerateConfiguration: {}"), "does not apply AccelerateConfiguration"),
    (BUCKET.replace("Status: Enabled", "Status: !Ref AWS::Region"), "must be written literally"),
    ("Transform: AWS::Serverless-2016-10-31" + BUCKET, "no transforms"),
    ("Resources: {}", "At least one Resources member"),
    ("[]", "At least one Resources member"),
    ("Resources: {A: {Properties: {}}}", "Resource A must have a Type"),
    ("Resources: {A: {Type: 'AWS::S3::Bucket', Properties: 3}}", "Properties of A must be an object"),
    ("a: [", "Template format error"),
    ("[" * 5000, "nested too deeply"),
    ("Resources: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
    ("Resources: !Unknown x", "could not determine a constructor"),
]


@pytest.mark.parametrize(("body", "why"), REFUSED)
def test_a_template_that_would_be_lost_in_part_is_refused(
    session: boto3.Session, client: Any, body: str, why: str
) -> None:
    for create in (
        lambda: client.create_stack(StackName="refused", TemplateBody=body),
        lambda: client.create_change_set(
            StackName="refused", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
        ),
    ):
        with pytest.raises(ClientError) as refusal:
            create()
        assert refusal.value.response["Error"]["Code"] == "ValidationError"
        assert why in refusal.value.response["Error"]["Message"]
    assert "refused" not in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}


@pytest.mark.parametrize(
    "arguments",
    [
        {"TemplateURL": "https://s3.amazonaws.com/bucket/template.yaml"},
        {"TemplateBody": BUCKET, "NotificationARNs": ["arn:aws:sns:us-east-1:123456789012:topic"]},
    ],
)
def test_parameters_that_lead_nowhere_are_refused(client: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="does not take"):
        client.create_stack(StackName="refused", **arguments)


HOSTILE = urlencode({"TemplateBody": "Resources: !!python/object/apply:os.mkdir [PATH]"})
FORM = "application/x-www-form-urlencoded"
MULTIPART = (
    '--x\r\nContent-Disposition: form-data; name="TemplateBody"\r\n\r\n'
    "Resources: !!python/object/apply:os.mkdir [PATH]\r\n--x--\r\n"
)


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        ("", f"Action=CreateStack&StackName=x&{HOSTILE}", FORM),
        ("", f"Action=CreateStack&StackName=x&{HOSTILE}&TemplateBody=Resources", FORM),
        ("", f"Action=CreateStack&StackName=x&TemplateBody=Resources&{HOSTILE}", FORM),
        (HOSTILE, "Action=CreateStack&StackName=x", FORM),
        (f"Action=CreateStack&StackName=x&{HOSTILE}", "", FORM),
        (HOSTILE, f"Action=CreateStack&StackName=x&{urlencode({'TemplateBody': BUCKET})}", FORM),
        ("Action=CreateStack&StackName=x", MULTIPART, "multipart/form-data; boundary=x"),
        ("", f"Action=GetTemplateSummary&{HOSTILE}", FORM),
        ("", f"Action=ValidateTemplate&{HOSTILE}", FORM),
    ],
)
def test_a_template_cannot_run_code_however_it_comes(
    host: MotoHost, session: boto3.Session, tmp_path: Path, query: str, body: str, content_type: str
) -> None:
    made = tmp_path / "made-by-the-template"
    headers = {"content-type": content_type}
    query, body = (text.replace("PATH", str(made)) for text in (query, body))
    request = LocalRequest("POST", "/", query, headers, body.encode())
    answer = host.handle("cloudformation", request, operation="CreateStack")
    assert answer.status == 400
    assert not made.exists()


def test_a_stack_that_cannot_be_made_is_refused_and_leaves_nothing(client: Any) -> None:
    template = BUCKET.replace("NAME", "[[a]]")
    with pytest.raises(ClientError) as caught:
        client.create_stack(StackName="unfinished", TemplateBody=template)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    stacks = client.list_stacks()["StackSummaries"]
    assert [s["StackStatus"] for s in stacks if s["StackName"] == "unfinished"] == []
    assert client.create_stack(StackName="unfinished", TemplateBody=BUCKET.replace("NAME", "made-at-last"))["StackId"]


TABLE = {
    "TableName": "taken",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("AWS::DynamoDB::Table", TABLE, "Table already exists: taken"),
        ("AWS::Logs::LogGroup", {"LogGroupName": "taken"}, "The specified log group already exists"),
        ("AWS::S3::Bucket", {"BucketName": "taken"}, "BucketAlreadyExists"),
        ("AWS::IAM::User", {"UserName": "taken"}, "User taken already exists"),
    ],
)
def test_a_stack_with_a_resource_that_is_there_already_is_refused_whole(
    session: boto3.Session, client: Any, kind: str, properties: dict[str, Any], reason: str
) -> None:
    takers: list[tuple[str, str, dict[str, Any]]] = [
        ("dynamodb", "create_table", TABLE),
        ("logs", "create_log_group", {"logGroupName": "taken"}),
        ("s3", "create_bucket", {"Bucket": "taken"}),
        ("iam", "create_user", {"UserName": "taken"}),
    ]
    for service, operation, arguments in takers:
        target: Any = session.client(service)  # type: ignore[call-overload]
        with suppress(ClientError):  # an earlier case has made it
            getattr(target, operation)(**arguments)
    other = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "made-before-the-other"}}
    taken = {"Type": kind, "Properties": properties, "DependsOn": "Other"}
    with pytest.raises(ClientError, match=reason):
        client.create_stack(StackName="second", TemplateBody=json.dumps({"Resources": {"Other": other, "R": taken}}))
    assert "second" not in [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    assert "made-before-the-other" not in [bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]]


def test_a_stack_with_a_setting_that_s3_refuses_leaves_neither_stack_nor_bucket(
    session: boto3.Session, client: Any
) -> None:
    rule = {"Id": "old", "Status": "Enabled", "ExpirationInDays": 30}  # CloudFormation's word for it, and not S3's
    properties = {"BucketName": "refused-settings", "LifecycleConfiguration": {"Rules": [rule]}}
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
    with pytest.raises(ClientError, match="cannot be carried out"):
        client.create_stack(StackName="refused-settings", TemplateBody=json.dumps(template))
    assert "refused-settings" not in [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    assert "refused-settings" not in [bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]]


def test_short_and_long_intrinsic_functions_read_the_same() -> None:
    short = read_template("Resources: {A: {Type: T, Properties: {X: !Join ['-', [!Ref B, !GetAtt C.Arn]]}}}")
    long = {"Fn::Join": ["-", [{"Ref": "B"}, {"Fn::GetAtt": "C.Arn"}]]}
    assert short["Resources"]["A"]["Properties"]["X"] == long


def test_a_template_may_be_json() -> None:
    check_template(read_template('{"Resources": {"A": {"Type": "AWS::IAM::User", "Properties": {"UserName": "ada"}}}}'))
    with pytest.raises(TemplateError):
        check_template(read_template('{"Resources": {"A": {"Type": "AWS::IAM::Group"}}}'))


@pytest.mark.slow
def test_the_storage_template_is_valid_on_aws() -> None:
    lint = pytest.importorskip("cfnlint.api")
    problems = lint.lint_all((files("infra") / "storage.yaml").read_text())
    assert [str(problem) for problem in problems if problem.rule.severity in ("error", "warning")] == []
