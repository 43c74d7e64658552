"""AWS Signature Version 4: who signed a request, and the making of presigned URLs. Standard library only, no I/O.

`verify` recomputes the signature of a request from its raw path and raw query, in the header form and in the presigned
query form, and answers which key signed it. What is wrong is told by a SignatureError with a neutral reason; how each
AWS protocol names that reason is the business of whoever speaks the protocol.

A request is read in two steps, so that a server can decide what to do with the body before it reads it:
`read_claim` takes what the request says of its signature, `verify_claim` proves it. `verify` does both.

Rules, as AWS has them:
- the canonical path of S3 is the path as sent; other services encode it a second time, with dot segments removed;
- the query is sorted by encoded name, then by encoded value, with every repetition kept;
- `host` and every `x-amz-*` header that was sent must be signed;
- S3 trusts the `x-amz-content-sha256` header and checks the body against it (see `Verified.body_sha256`); every other
  service hashes the body it received;
- a header signature lives for five minutes around the server's clock (S3: fifteen), a presigned one for X-Amz-Expires
  seconds, seven days at most, and neither outlives the session of its signer.
"""

from service.sigv4.canonical import ALGORITHM, EMPTY_SHA256, UNSIGNED_PAYLOAD, derive_signing_key
from service.sigv4.claim import MAX_PRESIGNED_SECONDS, Claim, SignedRequest, read_claim
from service.sigv4.presigning import presign
from service.sigv4.refusal import Reason, SignatureError
from service.sigv4.verification import (
    MAX_SKEW,
    MAX_SKEW_S3,
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
    KeyLookup,
    SecretKey,
    Verified,
    verify,
    verify_claim,
)

__all__ = [
    "ALGORITHM",
    "EMPTY_SHA256",
    "MAX_PRESIGNED_SECONDS",
    "MAX_SKEW",
    "MAX_SKEW_S3",
    "STREAMING_SIGNED",
    "STREAMING_SIGNED_TRAILER",
    "STREAMING_UNSIGNED_TRAILER",
    "UNSIGNED_PAYLOAD",
    "Claim",
    "KeyLookup",
    "Reason",
    "SecretKey",
    "SignatureError",
    "SignedRequest",
    "Verified",
    "derive_signing_key",
    "presign",
    "read_claim",
    "verify",
    "verify_claim",
]
