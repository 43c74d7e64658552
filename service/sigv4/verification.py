"""Proving a claim: the key is known, the time is right, the signature is the one that the secret key gives."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from service.sigv4.canonical import EMPTY_SHA256, UNSIGNED_PAYLOAD, canonical_request, derive_signing_key, sign
from service.sigv4.claim import Claim, SignedRequest, read_claim
from service.sigv4.refusal import Reason, SignatureError

MAX_SKEW = timedelta(minutes=5)
MAX_SKEW_S3 = timedelta(minutes=15)

STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_PAYLOAD_WORDS = (UNSIGNED_PAYLOAD, STREAMING_UNSIGNED_TRAILER, STREAMING_SIGNED, STREAMING_SIGNED_TRAILER)

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SecretKey:
    """What is known of an access key. `principal` is whatever the key's owner is to the caller of `verify`."""

    access_key_id: str
    secret: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires: datetime | None = None
    principal: Any = None


# Finds a key by its id and by the session token sent along (None when there was none): sealed tokens carry their key.
KeyLookup = Callable[[str, str | None], SecretKey | None]


@dataclass(frozen=True, slots=True)
class Verified:
    """A proven signature.

    `payload` is what the signature says of the body: the hex SHA-256 of it, UNSIGNED-PAYLOAD, or the name of a
    streaming form, whose chunks are signed with `signing_key` in a chain that begins with the claim's signature.
    """

    claim: Claim
    key: SecretKey
    payload: str
    expires: datetime | None  # when the presigned URL ends
    signing_key: bytes = field(repr=False)

    @property
    def body_sha256(self) -> str | None:
        """The SHA-256, in hexadecimal, that the body must have; None where the signature leaves the body free."""
        return None if self.payload in _PAYLOAD_WORDS else self.payload


def verify(request: SignedRequest, find_key: KeyLookup, now: datetime) -> Verified:
    """The key that signed the request. `now` is aware, in UTC. Raises SignatureError.

    The body of an S3 request is not looked at: hold it to the result's `body_sha256`.
    """
    return verify_claim(read_claim(request), request, find_key, now)


def verify_claim(claim: Claim, request: SignedRequest, find_key: KeyLookup, now: datetime) -> Verified:
    """Prove a claim that `read_claim` took from this request. Raises SignatureError."""
    key = _key_of(claim, find_key)
    _check_signed_headers(claim, request)
    expires = _check_time(claim, now)
    payload = _payload_of(claim, request)
    signing_key = derive_signing_key(key.secret, claim.date, claim.region, claim.service)
    canonical = canonical_request(
        request.method, request.path, claim.query, request.headers, claim.signed_headers, payload, claim.service
    )
    if not hmac.compare_digest(sign(signing_key, claim.timestamp, claim.scope, canonical), claim.signature):
        raise SignatureError(
            Reason.MISMATCH,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )
    if key.expires is not None and now >= key.expires:
        raise SignatureError(Reason.TOKEN_EXPIRED, "The security token included in the request is expired")
    if expires is not None and key.expires is not None:
        expires = min(expires, key.expires)
    return Verified(claim, key, payload, expires, signing_key)


def _key_of(claim: Claim, find_key: KeyLookup) -> SecretKey:
    key = find_key(claim.access_key_id, claim.session_token)
    if key is None:
        raise SignatureError(
            Reason.UNKNOWN_KEY,
            "The security token included in the request is invalid.",
            AWSAccessKeyId=claim.access_key_id,
        )
    expected, given = key.session_token or "", claim.session_token or ""
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise SignatureError(Reason.INVALID_TOKEN, "The security token included in the request is invalid.")
    return key


def _check_signed_headers(claim: Claim, request: SignedRequest) -> None:
    signed = claim.signed_headers
    if "host" not in signed:
        raise SignatureError(Reason.UNSIGNED_HEADERS, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    absent = [name for name in signed if name not in request.headers]
    if absent:
        raise SignatureError(Reason.MISMATCH, f"The signed header '{absent[0]}' is not in the request.")
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in signed]
    if unsigned:
        raise SignatureError(
            Reason.UNSIGNED_HEADERS,
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(sorted(unsigned)),
        )
    if not claim.presigned and "x-amz-date" not in signed and "date" not in signed:
        raise SignatureError(Reason.UNSIGNED_HEADERS, "'X-Amz-Date' or 'Date' must be a 'SignedHeader'.")


def _check_time(claim: Claim, now: datetime) -> datetime | None:
    """When a presigned claim ends; None for the header form. Raises SignatureError outside the time it is good for."""
    is_s3 = claim.service == "s3"
    skew = MAX_SKEW_S3 if is_s3 else MAX_SKEW
    signed_at = claim.signed_at
    server_time = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if claim.expires_seconds is not None:
        if signed_at > now + skew:
            raise SignatureError(
                Reason.URL_NOT_YET_VALID,
                f"Request is not valid yet: it is signed for {claim.timestamp}, the server's time is {_stamp(now)}",
                ServerTime=server_time,
            )
        ends = signed_at + timedelta(seconds=claim.expires_seconds)
        if now > ends:
            raise SignatureError(
                Reason.URL_EXPIRED,
                f"Request has expired: it ended at {_stamp(ends)}, the server's time is {_stamp(now)}",
                Expires=ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
                ServerTime=server_time,
            )
        return ends
    if abs(signed_at - now) <= skew:
        return None
    if is_s3:
        message = "The difference between the request time and the current time is too large."
    elif signed_at < now:
        message = (
            f"Signature expired: {claim.timestamp} is now earlier than {_stamp(now - skew)} ({_stamp(now)} - 5 min.)"
        )
    else:
        message = (
            f"Signature not yet current: {claim.timestamp} is still later than {_stamp(now + skew)} "
            f"({_stamp(now)} + 5 min.)"
        )
    raise SignatureError(
        Reason.SKEWED,
        message,
        RequestTime=claim.timestamp,
        ServerTime=server_time,
        MaxAllowedSkewMilliseconds=str(int(skew.total_seconds() * 1000)),
    )


def _payload_of(claim: Claim, request: SignedRequest) -> str:
    """What stands in the last line of the canonical request."""
    if claim.service != "s3":
        return hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_SHA256
    declared = request.headers.get("x-amz-content-sha256")
    if declared is None:
        if claim.presigned:
            return UNSIGNED_PAYLOAD
        raise SignatureError(Reason.NO_PAYLOAD_HASH, "Missing required header for this request: x-amz-content-sha256")
    if declared not in _PAYLOAD_WORDS and _HEX_SHA256.fullmatch(declared) is None:
        allowed = ", ".join(_PAYLOAD_WORDS)
        message = f"x-amz-content-sha256 must be {allowed} or a valid sha256 value."
        raise SignatureError(Reason.BAD_PAYLOAD_HASH, message)
    return declared


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
