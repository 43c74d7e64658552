from typing import Any

import pytest
from botocore.parsers import create_parser

from infra.local.protocol_errors import error_response


@pytest.mark.parametrize(
    ("service", "protocol"),
    [
        ("dynamodb", "json"),
        ("iam", "query"),
        ("s3", "rest-xml"),
        ("deepcomposer", "rest-json"),
        ("lambda", "rest-json"),
    ],
)
def test_a_client_of_the_service_reads_code_and_message(service: str, protocol: str) -> None:
    answer = error_response(service, 403, "AccessDenied", 'User: a & b <c> "d" é', "request-1")
    response: Any = {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.body}
    parsed = create_parser(protocol).parse(response, None)
    assert parsed["Error"]["Code"] == "AccessDenied"
    assert parsed["Error"]["Message"] == 'User: a & b <c> "d" é'
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert parsed["ResponseMetadata"]["RequestId"] == "request-1"
