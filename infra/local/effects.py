"""What each operation does to the account: which turn its request needs, and whose state it may change.

`touches` are the services whose state in memory the operation may change; what it does to rows (items, objects,
events) is its own affair. What is not known to be harmless is a write.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from infra.local.http import LocalRequest
from infra.local.supported import SUPPORTED


class Kind(Enum):
    READS_ROWS = auto()  # rows, and of memory only what changes with a table or a bucket: needs no turn
    READS = auto()  # what moto has in memory
    WRITES = auto()


@dataclass(frozen=True, slots=True)
class Effect:
    kind: Kind
    touches: frozenset[str] = frozenset()


READS = Effect(Kind.READS)
_READS_ROWS = Effect(Kind.READS_ROWS)
_EVERY_SERVICE = frozenset(SUPPORTED)

# Operations that read, by service.
_READING: Mapping[str, str] = {
    "cloudformation": """
        DescribeChangeSet DescribeStackEvents DescribeStackResource DescribeStackResources DescribeStacks GetTemplate
        GetTemplateSummary ListChangeSets ListExports ListStackResources ListStacks
    """,
    "dynamodb": """
        DescribeContinuousBackups DescribeEndpoints DescribeTable DescribeTimeToLive ListTables ListTagsOfResource
    """,
    "iam": """
        GetAccountAuthorizationDetails GetAccountSummary GetGroup GetGroupPolicy GetPolicy GetPolicyVersion GetRole
        GetRolePolicy GetUser GetUserPolicy ListAccessKeys ListAccountAliases ListAttachedGroupPolicies
        ListAttachedRolePolicies ListAttachedUserPolicies ListEntitiesForPolicy ListGroupPolicies ListGroups
        ListGroupsForUser ListPolicies ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags ListRoles
        ListUserPolicies ListUserTags ListUsers
    """,
    "kms": """
        Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom
        GetKeyPolicy GetKeyRotationStatus GetPublicKey ListAliases ListKeyPolicies ListKeys ListResourceTags ReEncrypt
        Sign Verify VerifyMac
    """,
    "logs": """
        DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents ListTagsForResource ListTagsLogGroup
    """,
    "s3": """
        GetBucketAcl GetBucketEncryption GetBucketLifecycleConfiguration GetBucketLocation GetBucketOwnershipControls
        GetBucketPolicy GetBucketTagging GetBucketVersioning GetPublicAccessBlock HeadBucket ListBuckets
    """,
    "sts": "GetCallerIdentity GetSessionToken",
}

# Operations that read rows and nothing else that a request could be changing.
_READING_ROWS: Mapping[str, str] = {
    "dynamodb": "BatchGetItem GetItem Query Scan TransactGetItems",
    "s3": """
        GetObject GetObjectAcl GetObjectAttributes GetObjectTagging HeadObject ListMultipartUploads ListObjectVersions
        ListObjects ListObjectsV2 ListParts
    """,
}

# Operations that write rows and leave memory as it was.
_WRITING_ROWS: Mapping[str, str] = {
    "dynamodb": "BatchWriteItem DeleteItem PutItem TransactWriteItems UpdateItem",
    "logs": "PutLogEvents",
    "s3": """
        AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload DeleteObject DeleteObjectTagging
        DeleteObjects PutObject PutObjectTagging UploadPart UploadPartCopy
    """,
}

# Operations that may change another service than their own. A template may name resources of every service; a table
# may be encrypted under a key that is made for it.
_TOUCHING_OTHERS: Mapping[tuple[str, str], frozenset[str]] = {
    **{
        ("cloudformation", operation): _EVERY_SERVICE
        for operation in ("CreateStack", "DeleteStack", "ExecuteChangeSet", "UpdateStack")
    },
    ("dynamodb", "CreateTable"): frozenset({"dynamodb", "kms"}),
    ("dynamodb", "UpdateTable"): frozenset({"dynamodb", "kms"}),
}


def _table() -> dict[tuple[str, str], Effect]:
    effects = {
        (service, operation): Effect(Kind.WRITES, _TOUCHING_OTHERS.get((service, operation), frozenset({service})))
        for service, operations in SUPPORTED.items()
        for operation in operations
    }
    groups = ((_READING, READS), (_READING_ROWS, _READS_ROWS), (_WRITING_ROWS, Effect(Kind.WRITES)))
    for operations_by_service, effect in groups:
        for service, operations in operations_by_service.items():
            effects.update({(service, operation): effect for operation in operations.split()})
    return effects


EFFECTS: Mapping[tuple[str, str], Effect] = _table()

_MAY_CHANGE_ANYTHING = Effect(Kind.WRITES, _EVERY_SERVICE)
_MAKES_A_KEY = Effect(Kind.WRITES, frozenset({"kms"}))
# The aliases of the keys that AWS makes when they are first asked for.
_AWS_ALIAS = "alias/aws/"


def effect_of(service: str, operation: str, request: LocalRequest | None = None) -> Effect:
    """What a request may do. Of an operation that is not known, everything is expected."""
    effect = EFFECTS.get((service, operation), _MAY_CHANGE_ANYTHING)
    if service == "kms" and effect is READS and request is not None and _names_an_aws_alias(request.body):
        return _MAKES_A_KEY
    return effect


def _names_an_aws_alias(body: bytes) -> bool:
    if b"\\" not in body and _AWS_ALIAS.encode() not in body:
        return False
    try:
        members = json.loads(body)
    except ValueError:
        return False
    values = members.values() if isinstance(members, dict) else ()
    return any(isinstance(value, str) and _AWS_ALIAS in value for value in values)
