"""Every answer that tells of what an account holds (filled_account.py)."""

from collections.abc import Iterator
from typing import Any

from tests.integration.durable.filled_account import Client

Answers = dict[str, Any]


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
