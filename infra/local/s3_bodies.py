"""The body of an S3 request as it is to be stored: proven against its signature, taken out of its chunks, checked."""

from collections.abc import Mapping

from infra.local import aws_chunked
from infra.local.checksums import check_body
from service.sigv4 import Reason, SignatureError, Verified, body_matches

# Describe the encoding of the transfer, not the body that is left when it is decoded.
_TRANSFER_HEADERS = frozenset(
    {"expect", "transfer-encoding", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer"}
)
# Here the checksum headers speak of the whole object that is being put together, not of this request's body.
_ABOUT_WHOLE_OBJECT = ("uploads", "uploadId")


def received_body(headers: Mapping[str, str], encoded: bytes, verified: Verified) -> tuple[bytes, dict[str, str]]:
    """The body and the headers that go with it, those of a trailer among them.

    Raises SignatureError for a body that was not the one signed, ChunkedBodyError for broken chunks and ChecksumError
    for a body that has another checksum than its sender took.
    """
    kept = {name: value for name, value in headers.items() if name not in _TRANSFER_HEADERS}
    if verified.payload in aws_chunked.STREAMING_PAYLOADS:
        decoded = aws_chunked.decode(encoded, verified, headers.get("x-amz-decoded-content-length"))
        body = decoded.body
        kept |= decoded.trailers
        _drop_chunked_encoding(kept)
    elif body_matches(verified, encoded):
        body = encoded
    else:
        raise SignatureError(
            Reason.BODY_MISMATCH, "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    completes = any(name in _ABOUT_WHOLE_OBJECT for name, _ in verified.claim.query)
    is_part = any(name == "partNumber" for name, _ in verified.claim.query)
    if body and (is_part or not completes):
        check_body(kept, body)
    kept["content-length"] = str(len(body))
    return body, kept


def _drop_chunked_encoding(headers: dict[str, str]) -> None:
    encodings = [name.strip() for name in headers.pop("content-encoding", "").split(",")]
    remaining = [name for name in encodings if name and name != "aws-chunked"]
    if remaining:
        headers["content-encoding"] = ",".join(remaining)
