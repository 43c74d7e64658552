"""The operations of other AWS services that the local AWS carries out: what moto really does, and keeps.

Left out on purpose are operations whose effect would be lost: settings that moto stores and nothing ever acts on
(lifecycle rules, CORS, time to live, backups, key rotation, log retention), and those whose state cannot be kept.
Templates may still use such settings; see cloudformation_templates.py. ValidateTemplate is left out because moto's
loads a linter of a hundred megabytes into the server and writes into its working directory.
"""

SERVICE_NAMES = {
    "cloudformation": "AWS CloudFormation",
    "dynamodb": "Amazon DynamoDB",
    "iam": "AWS Identity and Access Management",
    "kms": "AWS Key Management Service",
    "logs": "Amazon CloudWatch Logs",
    "s3": "Amazon S3",
    "sts": "AWS Security Token Service",
}

SUPPORTED: dict[str, frozenset[str]] = {
    service: frozenset(names.split())
    for service, names in {
        "cloudformation": """
            CreateChangeSet CreateStack DeleteChangeSet DeleteStack DescribeChangeSet DescribeStackEvents
            DescribeStackResource DescribeStackResources DescribeStacks ExecuteChangeSet GetTemplate GetTemplateSummary
            ListChangeSets ListExports ListStackResources ListStacks UpdateStack
        """,
        "dynamodb": """
            BatchGetItem BatchWriteItem CreateTable DeleteItem DeleteTable DescribeContinuousBackups DescribeEndpoints
            DescribeTable DescribeTimeToLive GetItem ListTables ListTagsOfResource PutItem Query Scan TagResource
            TransactGetItems TransactWriteItems UntagResource UpdateItem UpdateTable
        """,
        "iam": """
            AddUserToGroup AttachGroupPolicy AttachRolePolicy AttachUserPolicy CreateAccessKey CreateAccountAlias
            CreateGroup CreatePolicy CreatePolicyVersion CreateRole CreateUser DeleteAccessKey DeleteAccountAlias
            DeleteGroup DeleteGroupPolicy DeletePolicy DeletePolicyVersion DeleteRole DeleteRolePolicy DeleteUser
            DeleteUserPolicy DetachGroupPolicy DetachRolePolicy DetachUserPolicy GetAccountAuthorizationDetails
            GetAccountSummary GetGroup GetGroupPolicy GetPolicy GetPolicyVersion GetRole GetRolePolicy GetUser
            GetUserPolicy ListAccessKeys ListAccountAliases ListAttachedGroupPolicies ListAttachedRolePolicies
            ListAttachedUserPolicies ListEntitiesForPolicy ListGroupPolicies ListGroups ListGroupsForUser ListPolicies
            ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags ListRoles ListUserPolicies ListUserTags
            ListUsers PutGroupPolicy PutRolePolicy PutUserPolicy RemoveUserFromGroup SetDefaultPolicyVersion TagPolicy
            TagRole TagUser UntagPolicy UntagRole UntagUser UpdateAccessKey UpdateAssumeRolePolicy UpdateGroup
            UpdateRole UpdateRoleDescription UpdateUser
        """,
        "kms": """
            CancelKeyDeletion CreateAlias CreateKey Decrypt DeleteAlias DescribeKey DisableKey EnableKey Encrypt
            GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom GetKeyPolicy
            GetKeyRotationStatus GetPublicKey ListAliases ListKeyPolicies ListKeys ListResourceTags ReEncrypt
            ScheduleKeyDeletion Sign TagResource UntagResource UpdateAlias UpdateKeyDescription Verify VerifyMac
        """,
        "logs": """
            CreateLogGroup CreateLogStream DeleteLogGroup DeleteLogStream DescribeLogGroups DescribeLogStreams
            FilterLogEvents GetLogEvents ListTagsForResource ListTagsLogGroup PutLogEvents TagLogGroup TagResource
            UntagLogGroup UntagResource
        """,
        "s3": """
            AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateMultipartUpload DeleteBucket
            DeleteBucketEncryption DeleteBucketOwnershipControls DeleteBucketTagging DeleteObject DeleteObjectTagging
            DeleteObjects DeletePublicAccessBlock GetBucketAcl GetBucketEncryption GetBucketLifecycleConfiguration
            GetBucketLocation GetBucketOwnershipControls GetBucketPolicy GetBucketTagging GetBucketVersioning GetObject
            GetObjectAcl GetObjectAttributes GetObjectTagging GetPublicAccessBlock HeadBucket HeadObject ListBuckets
            ListMultipartUploads ListObjectVersions ListObjects ListObjectsV2 ListParts PutBucketEncryption
            PutBucketOwnershipControls PutBucketTagging PutBucketVersioning PutObject PutObjectTagging
            PutPublicAccessBlock UploadPart UploadPartCopy
        """,
        "sts": "GetCallerIdentity GetSessionToken",
    }.items()
}


def is_supported(service: str, operation: str) -> bool:
    return operation in SUPPORTED.get(service, frozenset())


def as_markdown() -> str:
    """The table for the documentation: one row a service, its operations in alphabetical order."""
    rows = ["| Service | Operations |", "|---|---|"]
    for service, operations in sorted(SUPPORTED.items()):
        listed = ", ".join(sorted(operations))
        rows.append(f"| {SERVICE_NAMES[service]} (`{service}`) | {listed} |")
    return "\n".join(rows) + "\n"
