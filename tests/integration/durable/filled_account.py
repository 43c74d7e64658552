"""An account with at least one of everything that the services can hold; account_answers.py asks for it."""

import json
import time
from collections.abc import Callable
from typing import Any

Client = Callable[..., Any]  # of a service, and of a region where it is not the home region

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
