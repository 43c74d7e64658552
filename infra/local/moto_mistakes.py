"""The client's mistakes over which moto falls instead of naming them.

moto reads most parameters without checking them: a number that is none, a document of another kind, an upload or a
page that does not exist raise whatever Python makes of it. AWS answers these with a client's error, and an SDK must not
be told to try again. An exception of any other kind is a fault of the local AWS.
"""

from xml.parsers.expat import ExpatError

from infra.local.http import LocalResponse
from infra.local.protocol_errors import error_response, protocol_of

_MISREAD = (AssertionError, AttributeError, ExpatError, LookupError, TypeError, UnboundLocalError, ValueError)

_NO_SUCH_UPLOAD = (
    404,
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
    "completed.",
)
_WRONG_TOKEN = (400, "InvalidArgument", "The continuation token provided is incorrect")
_MALFORMED_XML = (
    400,
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
)
# The only mistake that each of these operations of S3 can still hold when moto falls over it.
_S3_MISTAKES = {
    "CompleteMultipartUpload": _MALFORMED_XML,
    "CreateBucket": _MALFORMED_XML,
    "DeleteObjects": _MALFORMED_XML,
    "ListObjectsV2": _WRONG_TOKEN,
    "PutBucketEncryption": _MALFORMED_XML,
    "PutBucketOwnershipControls": _MALFORMED_XML,
    "PutBucketTagging": _MALFORMED_XML,
    "PutBucketVersioning": _MALFORMED_XML,
    "PutObjectTagging": _MALFORMED_XML,
    "PutPublicAccessBlock": _MALFORMED_XML,
    "UploadPart": _NO_SUCH_UPLOAD,
    "UploadPartCopy": _NO_SUCH_UPLOAD,
}

_UNREADABLE = "A parameter of the request is missing, malformed, or names something that does not exist."
_GENERAL = {
    "json": (400, "ValidationException", _UNREADABLE),
    "query": (400, "ValidationError", _UNREADABLE),
    "s3": (400, "InvalidArgument", _UNREADABLE),
}


def is_mistake(error: Exception) -> bool:
    """Whether an exception out of moto tells of a request that it could not read."""
    return isinstance(error, _MISREAD)


def mistake_response(service: str, operation: str, request_id: str) -> LocalResponse:
    """The client's error for a request of this operation over which moto fell."""
    general = _GENERAL[protocol_of(service)]
    status, code, message = _S3_MISTAKES.get(operation, general) if service == "s3" else general
    return error_response(service, status, code, message, request_id)
