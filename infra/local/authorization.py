"""May this caller do this? Until policies are enforced: root may, the service's own roles may do their work.

`Authorizer.decide` is the one place that answers; everything behind the gateway asks it before it acts.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from infra.local.account import Account
from infra.local.http import LocalRequest
from infra.local.operations import s3_address
from infra.local.sessions import API_ROLE, WORKER_ROLE
from service.caller import Caller, PrincipalType
from service.errors import denial_sentence

# The IAM action of an S3 operation, where it is not the operation's own name.
_S3_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}

_TABLE_ACTIONS = frozenset(
    {
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:TransactGetItems",
        "dynamodb:TransactWriteItems",
        "dynamodb:UpdateItem",
    }
)
_OBJECT_ACTIONS = frozenset({"s3:DeleteObject", "s3:GetObject", "s3:PutObject"})
_BUCKET_ACTIONS = frozenset({"s3:ListBucket"})


@dataclass(frozen=True, slots=True)
class Access:
    """What a request would do: the IAM action, and the ARNs it would do it to."""

    action: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role of the service may carry out these actions on what matches this ARN (with `*` for any text)."""

    role: str
    actions: frozenset[str]
    resource: str


def service_grants(account: Account, table: str, bucket: str) -> tuple[Grant, ...]:
    """What the API and the workers need: items of the metadata table, objects of the music bucket."""
    table_arn = f"arn:aws:dynamodb:{account.region}:{account.id}:table/{table}"
    bucket_arn = f"arn:aws:s3:::{bucket}"
    return tuple(
        grant
        for role in (API_ROLE, WORKER_ROLE)
        for grant in (
            Grant(role, _TABLE_ACTIONS, table_arn),
            Grant(role, _OBJECT_ACTIONS, f"{bucket_arn}/*"),
            Grant(role, _BUCKET_ACTIONS, bucket_arn),
        )
    )


def access_of(account: Account, service: str, operation: str, request: LocalRequest) -> Access:
    """The action and the resources of a request whose operation is known."""
    if service == "s3":
        return Access(f"s3:{_S3_ACTIONS.get(operation, operation)}", _s3_resources(operation, request))
    if service == "dynamodb":
        return Access(f"dynamodb:{operation}", _table_resources(account, request.body))
    return Access(f"{service}:{operation}", ("*",))


class Authorizer:
    """Decides for everything behind the gateway but DeepComposer's own API, which decides by itself."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._grants = tuple(grants)

    def decide(self, caller: Caller, access: Access) -> str | None:
        """None when the caller may; otherwise the sentence that tells why not."""
        if caller.is_root:
            return None
        for resource in access.resources:
            if not any(_allows(grant, caller, access.action, resource) for grant in self._grants):
                return denial_sentence(caller.arn, access.action, resource, "no identity-based policy allows")
        return None


def _allows(grant: Grant, caller: Caller, action: str, resource: str) -> bool:
    return (
        caller.type is PrincipalType.ASSUMED_ROLE
        and caller.arn.startswith(f"arn:aws:sts::{caller.account}:assumed-role/{grant.role}/")
        and action in grant.actions
        and fnmatchcase(resource, grant.resource)
    )


def _s3_resources(operation: str, request: LocalRequest) -> tuple[str, ...]:
    bucket, key = s3_address(request.path)
    if not bucket:
        return ("*",)
    if operation == "DeleteObjects":
        # One decision for the whole bucket: whoever may delete any of its objects may delete many.
        return (f"arn:aws:s3:::{bucket}/*",)
    if not key:
        return (f"arn:aws:s3:::{bucket}",)
    target = f"arn:aws:s3:::{bucket}/{key}"
    source = request.headers.get("x-amz-copy-source")
    if source is None:
        return (target,)
    source_bucket, source_key = s3_address("/" + source.removeprefix("/").partition("?")[0])
    return (target, f"arn:aws:s3:::{source_bucket}/{source_key}")


def _table_resources(account: Account, body: bytes) -> tuple[str, ...]:
    """The ARNs of every table that the body of a DynamoDB request names; `*` when it names none."""
    try:
        found = set(_table_names(json.loads(body or b"{}")))
    except (ValueError, TypeError, AttributeError, RecursionError):
        found = set()
    prefix = f"arn:aws:dynamodb:{account.region}:{account.id}:table/"
    arns = {name if name.startswith("arn:") else prefix + name for name in found}
    return tuple(sorted(arns)) or ("*",)


def _table_names(parameters: Mapping[str, Any]) -> Iterable[str]:
    if isinstance(parameters.get("TableName"), str):
        yield parameters["TableName"]
    yield from parameters.get("RequestItems") or ()
    for element in parameters.get("TransactItems") or ():
        for action in element.values():
            yield action["TableName"]
