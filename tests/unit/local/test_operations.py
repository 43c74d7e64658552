import importlib
from urllib.parse import quote

import pytest
from botocore import xform_name
from botocore.loaders import create_loader
from moto.core.utils import camelcase_to_underscores

from infra.local.http import LocalRequest
from infra.local.operations import TARGET_PREFIXES, UnknownOperationError, operation_of, s3_address, s3_rules
from infra.local.supported import SERVICE_NAMES, SUPPORTED, as_markdown, is_supported

MODELS = {service: create_loader().load_service_model(service, "service-2") for service in SUPPORTED}


def request(method="GET", path="/", query="", body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return LocalRequest(method, path, query, named, body)


@pytest.mark.parametrize("rule", s3_rules(), ids=lambda rule: rule.operation)
def test_every_operation_of_s3_is_recognised_by_its_own_shape(rule):
    path = ("/", "/music", "/music/" + quote("a b/ü"))[rule.level]
    wanted = dict(rule.literals) | dict.fromkeys(rule.parameters, "1")
    query = "&".join(f"{name}={value}" if value else name for name, value in wanted.items())
    made = LocalRequest(rule.method, path, query, dict.fromkeys(rule.headers, "x"), b"")
    assert operation_of("s3", made) == rule.operation


def test_every_operation_of_s3_that_is_supported_has_a_rule():
    assert SUPPORTED["s3"] <= {rule.operation for rule in s3_rules()}


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("GET", "/music", "", "ListObjects"),
        ("GET", "/music/", "list-type=2&prefix=a&delimiter=/", "ListObjectsV2"),
        ("GET", "/music/k", "versionId=1&response-content-type=a/b", "GetObject"),
        ("GET", "/music/k", "partNumber=1", "GetObject"),
        ("GET", "/music/k", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", "GetObject"),
        ("PUT", "/music/k", "partNumber=1&uploadId=2", "UploadPart"),
        ("GET", "/music/k", "uploadId=2&max-parts=3", "ListParts"),
        ("PUT", "/music/k", "x-id=PutObject", "PutObject"),
        ("GET", "/music", "lifecycle", "GetBucketLifecycleConfiguration"),
        ("GET", "/music", "notification", "GetBucketNotificationConfiguration"),
        ("GET", "/", "x-id=ListBuckets", "ListBuckets"),
    ],
)
def test_s3_operations_are_told_apart_by_path_and_query(method, path, query, operation):
    assert operation_of("s3", request(method, path, query)) == operation


def test_a_copy_is_told_from_an_upload_by_its_header():
    assert operation_of("s3", request("PUT", "/music/k", x_amz_copy_source="/a/b")) == "CopyObject"
    part = request("PUT", "/music/k", "partNumber=1&uploadId=2", x_amz_copy_source="/a/b")
    assert operation_of("s3", part) == "UploadPartCopy"


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/music", "acl&policy"),
        ("GET", "/music/k", "acl&tagging"),
        ("PUT", "/music/k", "uploadId=1"),
        ("DELETE", "/music/k", "uploads"),
        ("DELETE", "/music", "versioning"),
        ("POST", "/music", ""),
        ("PATCH", "/music/k", ""),
        ("OPTIONS", "/music/k", ""),
        ("PUT", "/", ""),
        ("GET", "//k", ""),
        ("GET", "music", ""),
    ],
)
def test_what_could_be_two_operations_or_none_is_refused(method, path, query):
    with pytest.raises(UnknownOperationError):
        operation_of("s3", request(method, path, query))


def test_a_path_names_a_bucket_and_a_key():
    assert s3_address("/music/a%20b/c%2Fd/") == ("music", "a b/c/d/")
    assert s3_address("/music") == ("music", "")
    assert s3_address("/") == ("", "")


@pytest.mark.parametrize("service", sorted(TARGET_PREFIXES))
def test_a_json_service_names_its_operation_in_a_header(service):
    prefix = MODELS[service]["metadata"]["targetPrefix"] + "."
    assert operation_of(service, request("POST", x_amz_target=prefix + "DoIt")) == "DoIt"
    for wrong in (
        request("POST"),
        request("POST", x_amz_target="Other.DoIt"),
        request("POST", x_amz_target=prefix),
        request("POST", x_amz_target=prefix + "Do.It"),
        request("GET", x_amz_target=prefix + "DoIt"),
        request("POST", "/x", x_amz_target=prefix + "DoIt"),
        request("POST", "/", "Action=Other", x_amz_target=prefix + "DoIt"),
    ):
        with pytest.raises(UnknownOperationError):
            operation_of(service, wrong)


@pytest.mark.parametrize("service", ["cloudformation", "iam", "sts"])
def test_a_query_service_names_its_operation_in_one_place(service):
    assert operation_of(service, request("POST", body=b"Action=DoIt&Version=1")) == "DoIt"
    assert operation_of(service, request("GET", query="Version=1&Action=DoIt")) == "DoIt"
    for wrong in (
        request("POST", body=b""),
        request("POST", body=b"Action=A&Action=B"),
        request("POST", query="Action=A", body=b"Action=B"),
        request("POST", body=b"Action=A/../B"),
        request("PUT", body=b"Action=A"),
        request("POST", "/x", body=b"Action=A"),
        request("POST", body=b"&".join(b"a%d=1" % number for number in range(10_001))),
    ):
        with pytest.raises(UnknownOperationError):
            operation_of(service, wrong)


def test_a_service_that_is_not_there_has_no_operations():
    with pytest.raises(UnknownOperationError, match="sqs"):
        operation_of("sqs", request())


RESPONSES = {
    "cloudformation": "CloudFormationResponse",
    "dynamodb": "DynamoHandler",
    "iam": "IamResponse",
    "kms": "KmsResponse",
    "logs": "LogsResponse",
}


@pytest.mark.parametrize("service", sorted(SUPPORTED))
def test_every_supported_operation_is_one_of_aws(service):
    assert set(MODELS[service]["operations"]) >= SUPPORTED[service]


@pytest.mark.parametrize("service", sorted(RESPONSES))
def test_every_supported_operation_is_carried_out_by_moto(service):
    from infra.local import moto_services  # noqa: F401  (first, so that moto's CloudFormation is imported lightly)

    responses = getattr(importlib.import_module(f"moto.{service}.responses"), RESPONSES[service])
    missing = {
        name
        for name in SUPPORTED[service]
        if not hasattr(responses, camelcase_to_underscores(name)) and not hasattr(responses, xform_name(name))
    }
    assert missing == set()


def test_what_is_not_listed_is_not_supported():
    assert is_supported("s3", "GetObject")
    assert not is_supported("s3", "PutBucketCors")
    assert not is_supported("sqs", "SendMessage")


def test_the_table_for_the_docs_has_a_row_for_every_service():
    lines = as_markdown().splitlines()
    assert len(lines) == 2 + len(SUPPORTED)
    assert all(any(f"{SERVICE_NAMES[service]} (`{service}`)" in line for line in lines) for service in SUPPORTED)
    assert "| Amazon S3 (`s3`) | AbortMultipartUpload, CompleteMultipartUpload," in as_markdown()
