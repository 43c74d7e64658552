"""What each operation is declared to do is what it does: every supported operation is carried out, and watched."""

import time
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from infra.local.effects import EFFECTS, READS, Effect, Kind, effect_of
from infra.local.http import LocalRequest
from infra.local.supported import SUPPORTED
from tests.integration.durable.filled_account import ALLOW, DENY, SMALL, TAGS, TRUST
from tests.integration.durable.small_world import SmallWorld


def test_every_supported_operation_has_an_effect() -> None:
    supported = {(service, operation) for service, operations in SUPPORTED.items() for operation in operations}
    assert EFFECTS.keys() == supported


def test_an_unknown_operation_may_change_anything() -> None:
    assert effect_of("iam", "CreateVirtualMFADevice") == Effect(Kind.WRITES, frozenset(SUPPORTED))


@pytest.mark.parametrize(
    ("body", "makes_a_key"),
    [
        (b'{"KeyId":"alias/aws/s3"}', True),
        (b'{"KeyId":"arn:aws:kms:us-east-1:123456789012:alias/aws/s3"}', True),
        (b'{"KeyId":"alias\\/aws\\/s3"}', True),
        (b'{"SourceKeyId":"alias/mine","DestinationKeyId":"alias/aws/rds"}', True),
        (b'{"KeyId":"alias/mine"}', False),
        (b"alias/aws/s3", False),
        (b'["alias/aws/s3"]', False),
    ],
)
def test_an_alias_of_aws_makes_its_key(body: bytes, makes_a_key: bool) -> None:
    request = LocalRequest("POST", "/", "", {}, body)
    expected = Effect(Kind.WRITES, frozenset({"kms"})) if makes_a_key else READS
    assert effect_of("kms", "DescribeKey", request) == expected


class Watch:
    """Carries out operations, and tells of each what it changed beside what it is declared to."""

    def __init__(self, world: SmallWorld) -> None:
        self._world = world
        self.carried_out: set[tuple[str, str]] = set()
        self.undeclared: list[str] = []

    def __call__(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        before = self._captured()
        answer: dict[str, Any] = getattr(self._world.client(service), xform_name(operation))(**parameters)
        after = self._captured()
        self.carried_out.add((service, operation))
        changed = {name for name in before if before[name] != after[name]}
        if beside := changed - EFFECTS[service, operation].touches:
            self.undeclared.append(f"{service} {operation} changes {', '.join(sorted(beside))}")
        return answer

    def refused(self, service: str, operation: str, **parameters: Any) -> None:
        """An operation that has nothing to answer in this account."""
        with pytest.raises(ClientError):
            self(service, operation, **parameters)
        self.carried_out.add((service, operation))

    def _captured(self) -> dict[str, bytes]:
        with self._world.folder.store.reading():
            return {service: state.capture() for service, state in self._world.small._states.items()}


@pytest.fixture
def watch(filled: SmallWorld) -> Watch:
    return Watch(filled)


def small_operations(service: str) -> set[tuple[str, str]]:
    """Those of a service that are not about items or objects."""
    on_rows = {key for key, effect in EFFECTS.items() if effect.kind is Kind.READS_ROWS}
    on_rows |= {key for key, effect in EFFECTS.items() if effect.kind is Kind.WRITES and not effect.touches}
    return {(service, operation) for operation in SUPPORTED[service]} - (on_rows - {("logs", "PutLogEvents")})


def complete(watch: Watch, service: str) -> None:
    assert not watch.undeclared
    assert watch.carried_out == small_operations(service)


def test_iam_does_what_is_declared(watch: Watch) -> None:
    def iam(operation: str, **parameters: Any) -> dict[str, Any]:
        return watch("iam", operation, **parameters)

    for operation in (
        *("GetAccountAuthorizationDetails", "GetAccountSummary", "ListAccountAliases", "ListGroups", "ListPolicies"),
        *("ListRoles", "ListUsers"),
    ):
        iam(operation)
    iam("CreateAccountAlias", AccountAlias="other")
    iam("DeleteAccountAlias", AccountAlias="other")
    arn = iam("CreatePolicy", PolicyName="new", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=DENY)
    iam("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v2")
    iam("DeletePolicyVersion", PolicyArn=arn, VersionId="v1")
    iam("TagPolicy", PolicyArn=arn, Tags=TAGS)
    for operation in ("GetPolicy", "ListEntitiesForPolicy", "ListPolicyTags", "ListPolicyVersions"):
        iam(operation, PolicyArn=arn)
    iam("GetPolicyVersion", PolicyArn=arn, VersionId="v2")
    iam("UntagPolicy", PolicyArn=arn, TagKeys=["room"])

    iam("CreateUser", UserName="new")
    iam("CreateGroup", GroupName="new")
    iam("CreateRole", RoleName="new", AssumeRolePolicyDocument=TRUST)
    iam("AddUserToGroup", UserName="new", GroupName="new")
    for kind in ("User", "Group", "Role"):
        name = {f"{kind}Name": "new"}
        iam(f"Attach{kind}Policy", **name, PolicyArn=arn)
        iam(f"ListAttached{kind}Policies", **name)
        iam(f"Detach{kind}Policy", **name, PolicyArn=arn)
        iam(f"Put{kind}Policy", **name, PolicyName="own", PolicyDocument=ALLOW)
        iam(f"Get{kind}Policy", **name, PolicyName="own")
        iam(f"List{kind}Policies", **name)
        iam(f"Delete{kind}Policy", **name, PolicyName="own")
        iam(f"Get{kind}", **name)
    for kind in ("User", "Role"):
        name = {f"{kind}Name": "new"}
        iam(f"Tag{kind}", **name, Tags=TAGS)
        iam(f"List{kind}Tags", **name)
        iam(f"Untag{kind}", **name, TagKeys=["room"])
    key = iam("CreateAccessKey", UserName="new")["AccessKey"]["AccessKeyId"]
    iam("ListAccessKeys", UserName="new")
    iam("UpdateAccessKey", UserName="new", AccessKeyId=key, Status="Inactive")
    iam("DeleteAccessKey", UserName="new", AccessKeyId=key)
    iam("ListGroupsForUser", UserName="new")
    iam("RemoveUserFromGroup", UserName="new", GroupName="new")
    iam("UpdateAssumeRolePolicy", RoleName="new", PolicyDocument=TRUST)
    iam("UpdateRole", RoleName="new", Description="changed")
    iam("UpdateRoleDescription", RoleName="new", Description="again")
    iam("UpdateUser", UserName="new", NewUserName="renamed")
    iam("UpdateGroup", GroupName="new", NewGroupName="renamed")
    iam("DeleteUser", UserName="renamed")
    iam("DeleteGroup", GroupName="renamed")
    iam("DeleteRole", RoleName="new")
    iam("DeletePolicy", PolicyArn=arn)
    complete(watch, "iam")


def test_kms_does_what_is_declared(watch: Watch) -> None:
    def kms(operation: str, **parameters: Any) -> dict[str, Any]:
        return watch("kms", operation, **parameters)

    key = kms("CreateKey")["KeyMetadata"]["KeyId"]
    kms("ListKeys")
    kms("CreateAlias", AliasName="alias/new", TargetKeyId=key)
    kms("ListAliases")
    for operation in ("DescribeKey", "GetKeyRotationStatus", "ListKeyPolicies", "ListResourceTags"):
        kms(operation, KeyId=key)
    kms("GetKeyPolicy", KeyId=key, PolicyName="default")
    secret = kms("Encrypt", KeyId="alias/new", Plaintext=b"hymn")["CiphertextBlob"]
    kms("Decrypt", CiphertextBlob=secret)
    kms("ReEncrypt", CiphertextBlob=secret, DestinationKeyId="alias/SYMMETRIC_DEFAULT")
    kms("GenerateDataKey", KeyId=key, KeySpec="AES_256")
    kms("GenerateDataKeyWithoutPlaintext", KeyId=key, KeySpec="AES_256")
    kms("GenerateRandom", NumberOfBytes=16)
    mac = kms("GenerateMac", KeyId="alias/HMAC_256", Message=b"hymn", MacAlgorithm="HMAC_SHA_256")["Mac"]
    kms("VerifyMac", KeyId="alias/HMAC_256", Message=b"hymn", MacAlgorithm="HMAC_SHA_256", Mac=mac)
    curve = {"KeyId": "alias/ECC_NIST_P256", "Message": b"hymn", "SigningAlgorithm": "ECDSA_SHA_256"}
    kms("Verify", **curve, Signature=kms("Sign", **curve)["Signature"])
    kms("GetPublicKey", KeyId="alias/ECC_NIST_P256")
    kms("TagResource", KeyId=key, Tags=[{"TagKey": "room", "TagValue": "organ"}])
    kms("UntagResource", KeyId=key, TagKeys=["room"])
    kms("UpdateKeyDescription", KeyId=key, Description="changed")
    kms("UpdateAlias", AliasName="alias/HMAC_256", TargetKeyId=key)
    kms("DeleteAlias", AliasName="alias/new")
    kms("DisableKey", KeyId=key)
    kms("EnableKey", KeyId=key)
    kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    kms("CancelKeyDeletion", KeyId=key)
    complete(watch, "kms")


def test_logs_do_what_is_declared(watch: Watch) -> None:
    def logs(operation: str, **parameters: Any) -> dict[str, Any]:
        return watch("logs", operation, **parameters)

    logs("CreateLogGroup", logGroupName="new")
    group = logs("DescribeLogGroups", logGroupNamePrefix="new")["logGroups"][0]
    logs("CreateLogStream", logGroupName="new", logStreamName="one")
    now = round(time.time() * 1000)
    event = {"timestamp": now, "message": "hymn"}
    logs("PutLogEvents", logGroupName="new", logStreamName="one", logEvents=[event])
    logs("DescribeLogStreams", logGroupName="new")
    logs("FilterLogEvents", logGroupName="new")
    logs("GetLogEvents", logGroupName="new", logStreamName="one")
    logs("TagLogGroup", logGroupName="new", tags={"room": "organ"})
    logs("ListTagsLogGroup", logGroupName="new")
    logs("UntagLogGroup", logGroupName="new", tags=["room"])
    logs("TagResource", resourceArn=group["logGroupArn"], tags={"room": "organ"})
    logs("ListTagsForResource", resourceArn=group["logGroupArn"])
    logs("UntagResource", resourceArn=group["logGroupArn"], tagKeys=["room"])
    logs("DeleteLogStream", logGroupName="new", logStreamName="one")
    logs("DeleteLogGroup", logGroupName="new")
    complete(watch, "logs")


def test_dynamodb_does_what_is_declared(watch: Watch) -> None:
    def dynamodb(operation: str, **parameters: Any) -> dict[str, Any]:
        return watch("dynamodb", operation, **parameters)

    definition = {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"Enabled": True, "SSEType": "KMS"},
    }
    dynamodb("CreateTable", TableName="new", **definition)
    dynamodb("ListTables")
    arn = dynamodb("DescribeTable", TableName="new")["Table"]["TableArn"]
    dynamodb("DescribeContinuousBackups", TableName="new")
    dynamodb("DescribeTimeToLive", TableName="new")
    dynamodb("DescribeEndpoints")
    dynamodb("TagResource", ResourceArn=arn, Tags=TAGS)
    dynamodb("ListTagsOfResource", ResourceArn=arn)
    dynamodb("UntagResource", ResourceArn=arn, TagKeys=["room"])
    dynamodb("UpdateTable", TableName="new", DeletionProtectionEnabled=True)
    dynamodb("UpdateTable", TableName="new", DeletionProtectionEnabled=False)
    dynamodb("DeleteTable", TableName="new")
    complete(watch, "dynamodb")


def test_items_change_no_state_in_memory(watch: Watch) -> None:
    key = {"pk": {"S": "hymn"}, "number": {"N": "1"}}
    put = {"Put": {"TableName": "indexed", "Item": key}}
    for operation, parameters in (
        ("PutItem", {"TableName": "indexed", "Item": key}),
        ("GetItem", {"TableName": "indexed", "Key": key}),
        ("Scan", {"TableName": "indexed"}),
        ("BatchGetItem", {"RequestItems": {"indexed": {"Keys": [key]}}}),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "indexed", "Key": key}}]}),
        ("DeleteItem", {"TableName": "indexed", "Key": key}),
        ("BatchWriteItem", {"RequestItems": {"indexed": [{"PutRequest": {"Item": key}}]}}),
        ("TransactWriteItems", {"TransactItems": [put]}),
    ):
        watch("dynamodb", operation, **parameters)
    number = {":n": {"N": "1"}}
    watch(
        "dynamodb",
        "Query",
        TableName="indexed",
        IndexName="by-number",
        KeyConditionExpression="#n = :n",
        ExpressionAttributeNames={"#n": "number"},
        ExpressionAttributeValues=number,
    )
    watch(
        "dynamodb",
        "UpdateItem",
        TableName="indexed",
        Key=key,
        UpdateExpression="SET title = :n",
        ExpressionAttributeValues=number,
    )
    assert not watch.undeclared
    assert watch.carried_out == {("dynamodb", name) for name in SUPPORTED["dynamodb"]} - small_operations("dynamodb")


def test_buckets_do_what_is_declared(watch: Watch) -> None:
    def s3(operation: str, **parameters: Any) -> dict[str, Any]:
        return watch("s3", operation, Bucket="new", **parameters)

    s3("CreateBucket")
    watch("s3", "ListBuckets")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3("PutBucketEncryption", ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3("PutBucketOwnershipControls", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    s3("PutBucketTagging", Tagging={"TagSet": TAGS})
    s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"})
    s3("PutPublicAccessBlock", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    for operation in (
        *("GetBucketAcl", "GetBucketEncryption", "GetBucketLocation", "GetBucketOwnershipControls"),
        *("GetBucketTagging", "GetBucketVersioning", "GetPublicAccessBlock", "HeadBucket"),
    ):
        s3(operation)
    watch.refused("s3", "GetBucketLifecycleConfiguration", Bucket="new")
    watch.refused("s3", "GetBucketPolicy", Bucket="new")
    for operation in (
        *("DeleteBucketEncryption", "DeleteBucketOwnershipControls", "DeleteBucketTagging"),
        *("DeletePublicAccessBlock", "DeleteBucket"),
    ):
        s3(operation)
    complete(watch, "s3")


def test_stacks_do_what_is_declared(watch: Watch) -> None:
    def cloudformation(operation: str, **parameters: Any) -> dict[str, Any]:
        return watch("cloudformation", operation, **parameters)

    stack = {"StackName": "fresh"}
    identity = cloudformation("CreateStack", **stack, TemplateBody=SMALL.replace("NAME", "/fresh"))["StackId"]
    changed = SMALL.replace("NAME", "/changed")
    cloudformation("UpdateStack", **stack, TemplateBody=changed)
    for name in ("kept", "dropped"):
        body = SMALL.replace("NAME", f"/{name}")
        cloudformation("CreateChangeSet", **stack, ChangeSetName=name, TemplateBody=body)
    cloudformation("ListChangeSets", **stack)
    cloudformation("DescribeChangeSet", **stack, ChangeSetName="kept")
    cloudformation("ExecuteChangeSet", **stack, ChangeSetName="kept")
    cloudformation("DeleteChangeSet", **stack, ChangeSetName="dropped")
    cloudformation("ListExports")
    cloudformation("ListStacks")
    for name in (identity, "full", None):
        if name is None:
            cloudformation("DeleteStack", **stack)
        told = {"StackName": name or identity}
        for operation in (
            *("DescribeStackEvents", "DescribeStackResources", "DescribeStacks", "GetTemplate", "GetTemplateSummary"),
            *("ListStackResources",),
        ):
            cloudformation(operation, **told)
    cloudformation("DescribeStackResource", StackName="full", LogicalResourceId="Table")
    complete(watch, "cloudformation")


def test_sts_changes_nothing() -> None:
    """Its operations are answered before moto (infra.local.sts)."""
    assert small_operations("sts") == {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}
    assert all(EFFECTS[key] is READS for key in small_operations("sts"))


def test_objects_change_no_state_in_memory(watch: Watch) -> None:
    def s3(operation: str, key: str = "new", **parameters: Any) -> dict[str, Any]:
        return watch("s3", operation, Bucket="choir-plain", Key=key, **parameters)

    s3("PutObject", Body=b"x" * 100_000)
    s3("PutObjectTagging", Tagging={"TagSet": TAGS})
    for operation in ("GetObject", "GetObjectAcl", "GetObjectTagging", "HeadObject"):
        s3(operation)
    s3("GetObjectAttributes", ObjectAttributes=["ETag"])
    s3("DeleteObjectTagging")
    s3("CopyObject", key="copy", CopySource="choir-plain/new")
    for operation in ("ListMultipartUploads", "ListObjectVersions", "ListObjects", "ListObjectsV2"):
        watch("s3", operation, Bucket="choir-plain")
    for complete_it in (True, False):
        upload = s3("CreateMultipartUpload", key="parts")["UploadId"]
        part = s3("UploadPart", key="parts", UploadId=upload, PartNumber=1, Body=b"y")
        source = {"CopySource": "choir-plain/new"}
        copied = s3("UploadPartCopy", key="parts", UploadId=upload, PartNumber=1, **source)["CopyPartResult"]
        s3("ListParts", key="parts", UploadId=upload)
        assert part["ETag"] != copied["ETag"]
        if complete_it:
            parts = [{"PartNumber": 1, "ETag": copied["ETag"]}]
            s3("CompleteMultipartUpload", key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
        else:
            s3("AbortMultipartUpload", key="parts", UploadId=upload)
    s3("DeleteObject", key="copy")
    watch("s3", "DeleteObjects", Bucket="choir-plain", Delete={"Objects": [{"Key": "new"}]})
    assert not watch.undeclared
    assert watch.carried_out == {("s3", name) for name in SUPPORTED["s3"]} - small_operations("s3")


def test_an_object_under_a_new_key_of_aws_stores_the_key(watch: Watch, filled: SmallWorld) -> None:
    abroad = filled.client("s3", "eu-west-1")
    abroad.create_bucket(Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    abroad.put_object(Bucket="abroad", Key="new", Body=b"x", ServerSideEncryption="aws:kms")
    path = filled.folder.path
    filled.close()
    again = SmallWorld(path)
    try:
        found = again.client("s3", "eu-west-1").get_object(Bucket="abroad", Key="new")
        assert found["Body"].read() == b"x"
    finally:
        again.close()
