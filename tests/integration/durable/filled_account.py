"""An account with at least one of everything that the small services can hold, and every answer that tells of it."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

Client = Callable[..., Any]  # of a service, and of a region where it is not the home region
Answers = dict[str, Any]

ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
DENY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
TAGS = [{"Key": "room", "Value": "organ löft"}, {"Key": "empty", "Value": ""}]
KMS_TAGS = [{"TagKey": "room", "TagValue": "organ"}]

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Description: Everything that a template may make
Parameters:
  Prefix: {Type: String, Default: stacked}
  Secret: {Type: String, NoEcho: true, Default: hidden}
Conditions:
  Never: !Equals [!Ref Prefix, nothing]
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "${Prefix}-bucket"}}
  Unmade: {Type: AWS::S3::Bucket, Condition: Never}
  Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Version: 2012-10-17, Statement: []}}}
  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/stacked, TargetKeyId: !Ref Key}}
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub "/${Prefix}/group"}}
  User: {Type: AWS::IAM::User, Properties: {UserName: !Sub "${Prefix}-user"}}
  AccessKey: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref User}}
  Role:
    Type: AWS::IAM::Role
    Properties: {RoleName: !Sub "${Prefix}-role", AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}}
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: inline
      Users: [!Ref User]
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: stacked
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub "${Prefix}-table"
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
Outputs:
  BucketName: {Value: !Ref Bucket, Export: {Name: stacked-bucket}}
  KeyArn: {Value: !GetAtt Key.Arn, Description: the key's name}
"""
EVERY_SETTING = """
Parameters:
  Names: {Type: CommaDelimitedList}
  Days: {Type: Number, Default: 3}
Mappings: {Sizes: {small: {Read: 1}}}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Properties:
      BucketName: !Select [0, !Ref Names]
      Tags: [{Key: room, Value: organ}]
      BucketEncryption:
        ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]
      LifecycleConfiguration:
        Rules:
          - Id: parts
            Status: Enabled
            Prefix: ""
            AbortIncompleteMultipartUpload: {DaysAfterInitiation: 1}
      OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}
      PublicAccessBlockConfiguration: {BlockPublicAcls: true}
      VersioningConfiguration: {Status: Enabled}
  Key:
    Type: AWS::KMS::Key
    Properties: {Description: set, EnableKeyRotation: true, Enabled: true, KeyPolicy: {Statement: []}}
  Group:
    Type: AWS::Logs::LogGroup
    DependsOn: [Bucket]
    Properties:
      LogGroupName: !Join ["/", ["", set, !Ref "AWS::Region"]]
      RetentionInDays: !Ref Days
      Tags: [{Key: room, Value: organ}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
      Tags: [{Key: room, Value: organ}]
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: n, AttributeType: N}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      ProvisionedThroughput:
        ReadCapacityUnits: !FindInMap [Sizes, small, Read]
        WriteCapacityUnits: 2
      GlobalSecondaryIndexes:
        - IndexName: by-n
          KeySchema: [{AttributeName: n, KeyType: HASH}]
          Projection: {ProjectionType: KEYS_ONLY}
          ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
      Tags: [{Key: room, Value: organ}]
Outputs:
  Table: {Value: !GetAtt Table.Arn}
  Encoded: {Value: {"Fn::Base64": !Ref Group}}
"""
IMPORTING = """
Resources:
  Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: {"Fn::ImportValue": stacked-bucket}}}
"""
SMALL = "Resources: {Group: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: NAME}}}"


def fill(client: Client) -> None:
    fill_iam(client("iam"))
    fill_kms(client("kms"))
    abroad = client("kms", "eu-west-1")
    abroad.create_alias(AliasName="alias/abroad", TargetKeyId=abroad.create_key()["KeyMetadata"]["KeyId"])
    fill_logs(client("logs"))
    fill_tables(client("dynamodb"))
    fill_items(client("dynamodb"))
    fill_buckets(client("s3"))
    fill_objects(client("s3"), client("kms"))
    fill_stacks(client("cloudformation"))


def fill_iam(iam: Any) -> None:
    iam.create_account_alias(AccountAlias="choir")
    for name in ("ada", "bea", "cyd"):
        iam.create_user(UserName=name, Path="/singers/", Tags=TAGS)
    iam.create_user(UserName="plain")
    iam.create_access_key(UserName="ada")
    second = iam.create_access_key(UserName="ada")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="ada", AccessKeyId=second, Status="Inactive")
    for name in ("altos", "basses"):
        iam.create_group(GroupName=name)
    for group, user in (("altos", "ada"), ("altos", "bea"), ("basses", "ada")):
        iam.add_user_to_group(GroupName=group, UserName=user)
    policy = iam.create_policy(PolicyName="sing", PolicyDocument=ALLOW, Description="loudly", Tags=TAGS)
    arn = policy["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=DENY, SetAsDefault=True)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW)
    iam.create_role(RoleName="organ", AssumeRolePolicyDocument=TRUST, Description="pipes", Tags=TAGS)
    iam.create_role(RoleName="bellows", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    iam.attach_group_policy(GroupName="altos", PolicyArn=arn)
    iam.attach_role_policy(RoleName="organ", PolicyArn=arn)
    iam.put_user_policy(UserName="bea", PolicyName="own", PolicyDocument=ALLOW)
    iam.put_group_policy(GroupName="basses", PolicyName="own", PolicyDocument=DENY)
    iam.put_role_policy(RoleName="bellows", PolicyName="own", PolicyDocument=ALLOW)


def fill_kms(kms: Any) -> None:
    for spec, usage in (
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("RSA_2048", "SIGN_VERIFY"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
        ("ECC_NIST_P384", "SIGN_VERIFY"),
        ("ECC_NIST_P521", "SIGN_VERIFY"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ):
        key = kms.create_key(KeySpec=spec, KeyUsage=usage, Description=spec, Tags=KMS_TAGS)["KeyMetadata"]
        kms.create_alias(AliasName=f"alias/{spec}", TargetKeyId=key["KeyId"])
    disabled = kms.create_key(Description="disabled")["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=disabled)
    pending = kms.create_key(Description="pending")["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=pending, PendingWindowInDays=7)
    kms.create_key(MultiRegion=True, Policy=ALLOW)
    kms.describe_key(KeyId="alias/aws/s3")


def fill_logs(logs: Any) -> None:
    now = round(time.time() * 1000)
    logs.create_log_group(logGroupName="/choir/rehearsal", tags={"room": "organ"})
    logs.create_log_group(logGroupName="/choir/empty")
    logs.create_log_group(logGroupName="/choir/sealed", kmsKeyId="arn:aws:kms:us-east-1:123456789012:key/any")
    for stream in ("first", "second", "silent"):
        logs.create_log_stream(logGroupName="/choir/rehearsal", logStreamName=stream)
    for number in range(12):
        events = [{"timestamp": now + number // 2, "message": f"bar {number} \N{MUSICAL SYMBOL G CLEF}"}]
        stream = "first" if number % 3 else "second"
        logs.put_log_events(logGroupName="/choir/rehearsal", logStreamName=stream, logEvents=events)


def fill_tables(dynamodb: Any) -> None:
    key = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}
    text = {"AttributeName": "pk", "AttributeType": "S"}
    by_number = {"AttributeName": "number", "AttributeType": "N"}
    index = {"KeySchema": [{"AttributeName": "number", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    dynamodb.create_table(
        TableName="indexed",
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        AttributeDefinitions=[text, by_number],
        KeySchema=[*key["KeySchema"], {"AttributeName": "number", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-number",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
                **index,
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [*key["KeySchema"], {"AttributeName": "number", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
            }
        ],
        Tags=TAGS,
        DeletionProtectionEnabled=True,
    )
    dynamodb.create_table(TableName="sealed", AttributeDefinitions=[text], SSESpecification={"Enabled": True}, **key)
    dynamodb.create_table(TableName="grown", AttributeDefinitions=[text], **key)
    dynamodb.update_table(
        TableName="grown",
        AttributeDefinitions=[text, by_number],
        GlobalSecondaryIndexUpdates=[{"Create": {"IndexName": "later", **index}}],
    )


def fill_buckets(s3: Any) -> None:
    for name in ("choir-plain", "choir-full"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket="choir-full", Tagging={"TagSet": TAGS})
    s3.put_bucket_versioning(Bucket="choir-full", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_ownership_controls(
        Bucket="choir-full", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    s3.put_public_access_block(Bucket="choir-full", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="choir-full", ServerSideEncryptionConfiguration={"Rules": [rule]})


def fill_items(dynamodb: Any) -> None:
    values = ({"S": "hymn"}, {"N": "3.14"}, {"B": b"\x00\xff"}, {"BOOL": True}, {"NULL": True}, {"SS": ["a", "b"]})
    for number, value in enumerate(values):
        nested = {"M": {"list": {"L": [value, {"NS": ["1", "2"]}]}}}
        item = {"pk": {"S": "song"}, "number": {"N": str(number)}, "value": value, "nested": nested}
        dynamodb.put_item(TableName="indexed", Item=item)
        dynamodb.put_item(TableName="grown", Item=item | {"pk": {"S": f"song {number}"}})


def fill_objects(s3: Any, kms: Any) -> None:
    for number in range(5):
        body = b"note " * (1 + number * 5000)
        s3.put_object(Bucket="choir-plain", Key=f"songs/{number}", Body=body, Metadata={"number": str(number)})
    s3.put_object(Bucket="choir-plain", Key="tagged", Body=b"x", Tagging="room=organ", ChecksumAlgorithm="SHA256")
    for body in (b"first", b"second"):
        s3.put_object(Bucket="choir-full", Key="versioned", Body=body, ContentType="audio/midi")
    s3.delete_object(Bucket="choir-full", Key="versioned")
    key = kms.describe_key(KeyId="alias/SYMMETRIC_DEFAULT")["KeyMetadata"]["Arn"]
    s3.put_object(Bucket="choir-plain", Key="sealed", Body=b"y", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.copy_object(Bucket="choir-plain", Key="copied", CopySource="choir-plain/songs/3")
    upload = {"Bucket": "choir-plain", "Key": "unfinished"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    s3.upload_part(**upload, PartNumber=1, Body=b"part")
    whole = {"Bucket": "choir-plain", "Key": "whole"}
    whole["UploadId"] = s3.create_multipart_upload(**whole)["UploadId"]
    part = s3.upload_part(**whole, PartNumber=1, Body=b"all of it")
    s3.complete_multipart_upload(**whole, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})


def fill_stacks(cloudformation: Any) -> None:
    tags = [{"Key": "room", "Value": "organ"}]
    cloudformation.create_stack(StackName="full", TemplateBody=TEMPLATE, Tags=tags)
    names = [{"ParameterKey": "Names", "ParameterValue": "set-bucket,other"}]
    cloudformation.create_stack(StackName="every-setting", TemplateBody=EVERY_SETTING, Parameters=names)
    cloudformation.create_stack(StackName="importing", TemplateBody=IMPORTING)
    cloudformation.create_stack(StackName="updated", TemplateBody=SMALL.replace("NAME", "/before"))
    cloudformation.update_stack(StackName="updated", TemplateBody=SMALL.replace("NAME", "/after"))
    cloudformation.create_stack(StackName="gone", TemplateBody=SMALL.replace("NAME", "/gone"))
    cloudformation.delete_stack(StackName="gone")
    for name, kind, executed in (("new", "CREATE", False), ("made", "CREATE", True), ("updated", "UPDATE", False)):
        cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=f"change-{name}",
            ChangeSetType=kind,
            TemplateBody=SMALL.replace("NAME", f"/{name}/changed"),
            Description="soon",
        )
        if executed:
            cloudformation.execute_change_set(StackName=name, ChangeSetName=f"change-{name}")


def answers(client: Client) -> Answers:
    """Everything that the account tells of itself, by what was asked."""
    told: Answers = {}
    for asked, answer in (
        *_of_iam(client("iam")),
        *_of_kms("us-east-1", client("kms")),
        *_of_kms("eu-west-1", client("kms", "eu-west-1")),
        *_of_logs(client("logs")),
        *_of_tables(client("dynamodb")),
        *_of_items(client("dynamodb")),
        *_of_buckets(client("s3")),
        *_of_objects(client("s3")),
        *_of_stacks(client("cloudformation")),
    ):
        assert asked not in told
        told[asked] = answer
    return told


def _told(client: Any, operation: str, **parameters: Any) -> tuple[str, Any]:
    """One question and its answer; an answer in pages is asked for in small ones."""
    told = ", ".join(str(value) for value in parameters.values())
    if client.can_paginate(operation):
        paginator = client.get_paginator(operation)
        small_pages = {"PageSize": 2} if paginator._limit_key else {}
        pages = paginator.paginate(**parameters, PaginationConfig=small_pages)
        answer: Any = [_without_request(page) for page in pages]
    else:
        answer = _without_request(getattr(client, operation)(**parameters))
    return f"{client.meta.service_model.service_name} {client.meta.region_name} {operation}({told})", answer


def _without_request(answer: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    if "Body" in told:
        told["Body"] = told["Body"].read()
    return told


def _of_iam(iam: Any) -> Iterator[tuple[str, Any]]:
    for operation in (
        *("get_account_authorization_details", "get_account_summary", "list_account_aliases", "list_groups"),
        *("list_policies", "list_roles", "list_users"),
    ):
        yield _told(iam, operation)
    for user in [user["UserName"] for user in iam.list_users()["Users"]]:
        for operation in (
            *("get_user", "list_access_keys", "list_attached_user_policies", "list_groups_for_user"),
            *("list_user_policies", "list_user_tags"),
        ):
            yield _told(iam, operation, UserName=user)
    for group in ("altos", "basses"):
        for operation in ("get_group", "list_attached_group_policies", "list_group_policies"):
            yield _told(iam, operation, GroupName=group)
    for role in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        for operation in ("get_role", "list_attached_role_policies", "list_role_policies", "list_role_tags"):
            yield _told(iam, operation, RoleName=role)
    for arn in [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]]:
        for operation in ("get_policy", "list_entities_for_policy", "list_policy_tags", "list_policy_versions"):
            yield _told(iam, operation, PolicyArn=arn)
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            yield _told(iam, "get_policy_version", PolicyArn=arn, VersionId=version["VersionId"])
    yield _told(iam, "get_user_policy", UserName="bea", PolicyName="own")
    yield _told(iam, "get_group_policy", GroupName="basses", PolicyName="own")
    yield _told(iam, "get_role_policy", RoleName="bellows", PolicyName="own")


def _of_kms(region: str, kms: Any) -> Iterator[tuple[str, Any]]:
    yield _told(kms, "list_keys")
    yield _told(kms, "list_aliases")
    for key in [key["KeyId"] for key in kms.list_keys()["Keys"]]:
        for operation in ("describe_key", "get_key_rotation_status", "list_key_policies", "list_resource_tags"):
            yield _told(kms, operation, KeyId=key)
        yield _told(kms, "get_key_policy", KeyId=key, PolicyName="default")
        if kms.describe_key(KeyId=key)["KeyMetadata"].get("KeyUsage") == "SIGN_VERIFY":
            yield _told(kms, "get_public_key", KeyId=key)


def _of_logs(logs: Any) -> Iterator[tuple[str, Any]]:
    yield _told(logs, "describe_log_groups")
    for group in logs.describe_log_groups()["logGroups"]:
        name, arn = group["logGroupName"], group["logGroupArn"]
        yield _told(logs, "describe_log_streams", logGroupName=name)
        yield _told(logs, "filter_log_events", logGroupName=name)
        yield _told(logs, "filter_log_events", logGroupName=name, filterPattern="bar", interleaved=True)
        yield _told(logs, "list_tags_log_group", logGroupName=name)
        yield _told(logs, "list_tags_for_resource", resourceArn=arn)
        for stream in logs.describe_log_streams(logGroupName=name)["logStreams"]:
            names = {"logGroupName": name, "logStreamName": stream["logStreamName"]}
            yield _told(logs, "get_log_events", **names)
            yield _told(logs, "get_log_events", **names, startFromHead=True, limit=2)


def _of_tables(dynamodb: Any) -> Iterator[tuple[str, Any]]:
    yield _told(dynamodb, "list_tables")
    yield _told(dynamodb, "describe_endpoints")
    for name in dynamodb.list_tables()["TableNames"]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        for operation in ("describe_table", "describe_continuous_backups", "describe_time_to_live"):
            yield _told(dynamodb, operation, TableName=name)
        yield _told(dynamodb, "list_tags_of_resource", ResourceArn=table["TableArn"])


def _of_buckets(s3: Any) -> Iterator[tuple[str, Any]]:
    yield _told(s3, "list_buckets")
    everywhere = ("get_bucket_acl", "get_bucket_location", "get_bucket_versioning", "head_bucket")
    for name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        for operation in everywhere:
            yield _told(s3, operation, Bucket=name)
    for operation in (
        *("get_bucket_encryption", "get_bucket_ownership_controls", "get_bucket_tagging", "get_public_access_block"),
    ):
        yield _told(s3, operation, Bucket="choir-full")
        yield _told(s3, operation, Bucket="set-bucket")
    yield _told(s3, "get_bucket_lifecycle_configuration", Bucket="set-bucket")


def _of_items(dynamodb: Any) -> Iterator[tuple[str, Any]]:
    for table in ("grown", "indexed"):
        yield _told(dynamodb, "scan", TableName=table)
    yield _told(dynamodb, "scan", TableName="grown", IndexName="later")
    condition = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "song"}}}
    yield _told(dynamodb, "query", TableName="indexed", **condition)
    yield _told(dynamodb, "query", TableName="indexed", IndexName="local", ScanIndexForward=False, **condition)
    key = {"pk": {"S": "song"}, "number": {"N": "2"}}
    yield _told(dynamodb, "get_item", TableName="indexed", Key=key)
    yield _told(dynamodb, "batch_get_item", RequestItems={"indexed": {"Keys": [key]}})
    yield _told(dynamodb, "transact_get_items", TransactItems=[{"Get": {"TableName": "indexed", "Key": key}}])


def _of_objects(s3: Any) -> Iterator[tuple[str, Any]]:
    for bucket in ("choir-full", "choir-plain"):
        for operation in ("list_multipart_uploads", "list_object_versions", "list_objects", "list_objects_v2"):
            yield _told(s3, operation, Bucket=bucket)
        for version in s3.list_object_versions(Bucket=bucket)["Versions"]:
            named = {"Bucket": bucket, "Key": version["Key"]}
            if version["VersionId"] != "null":
                named["VersionId"] = version["VersionId"]
            for operation in ("get_object", "get_object_acl", "get_object_tagging", "head_object"):
                yield _told(s3, operation, **named)
            yield _told(s3, "get_object_attributes", **named, ObjectAttributes=["ETag", "ObjectSize", "Checksum"])
    for upload in s3.list_multipart_uploads(Bucket="choir-plain")["Uploads"]:
        yield _told(s3, "list_parts", Bucket="choir-plain", Key=upload["Key"], UploadId=upload["UploadId"])


def _of_stacks(cloudformation: Any) -> Iterator[tuple[str, Any]]:
    for operation in ("describe_stacks", "list_exports", "list_stacks"):
        yield _told(cloudformation, operation)
    for stack in cloudformation.list_stacks()["StackSummaries"]:
        identity = {"StackName": stack["StackId"]}
        if stack["StackStatus"] == "REVIEW_IN_PROGRESS":  # there is no template yet
            yield _told(cloudformation, "describe_stacks", **identity)
            continue
        for operation in ("describe_stack_events", "describe_stacks", "get_template", "get_template_summary"):
            yield _told(cloudformation, operation, **identity)
        for operation in ("describe_stack_resources", "list_stack_resources"):
            yield _told(cloudformation, operation, **identity)
    yield _told(cloudformation, "describe_stack_resource", StackName="full", LogicalResourceId="Table")
    for name in ("new", "made", "updated"):
        yield _told(cloudformation, "list_change_sets", StackName=name)
        yield _told(cloudformation, "describe_change_set", StackName=name, ChangeSetName=f"change-{name}")
