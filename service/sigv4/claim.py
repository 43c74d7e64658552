"""What a request says of its own signature, in the Authorization header or in the query: read, not yet proven."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from service.sigv4.canonical import ALGORITHM, canonical_pairs, credential_scope
from service.sigv4.refusal import Reason, SignatureError

MAX_PRESIGNED_SECONDS = 7 * 24 * 3600

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_CREDENTIAL = re.compile(r"([A-Za-z0-9_-]{1,128})/([0-9]{8})/([A-Za-z0-9-]{1,64})/([A-Za-z0-9-]{1,64})/aws4_request")
_SIGNED_IN_QUERY = re.compile(r"(?:^|&)(?:X-Amz-Signature|X-Amz-Algorithm|X-Amz-Credential)=")
_OUTDATED_QUERY = re.compile(r"(?:^|&)(?:AWSAccessKeyId|SignatureVersion)=")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came over the wire.

    `path` and `query` are still percent-encoded. `headers` has names in lower case; the values of a name that came
    twice are each stripped of white space and joined by commas. Header text is Latin-1: one character for each byte.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of its own signature, read but not yet proven."""

    access_key_id: str
    date: str  # YYYYMMDD of the credential scope
    region: str
    service: str
    timestamp: str  # YYYYMMDDTHHMMSSZ
    signed_at: datetime
    signed_headers: tuple[str, ...]
    signature: str
    session_token: str | None = field(repr=False)
    expires_seconds: int | None  # for a presigned URL
    query: tuple[tuple[str, str], ...] = field(repr=False)  # canonical pairs without the signature

    @property
    def presigned(self) -> bool:
        return self.expires_seconds is not None

    @property
    def scope(self) -> str:
        return credential_scope(self.date, self.region, self.service)


def read_claim(request: SignedRequest) -> Claim:
    """What the request says of its signature, in the header or in the query. Raises SignatureError."""
    authorization = request.headers.get("authorization")
    in_query = _SIGNED_IN_QUERY.search(request.query) is not None
    if authorization is not None and in_query:
        raise SignatureError(Reason.INCOMPLETE, "The Authorization header and the query may not both hold a signature.")
    if authorization is not None:
        return _claim_of_header(authorization, request)
    if in_query:
        return _claim_of_query(request)
    if _OUTDATED_QUERY.search(request.query):
        raise _outdated()
    raise SignatureError(Reason.MISSING, "Request is missing Authentication Token")


def _claim_of_header(authorization: str, request: SignedRequest) -> Claim:
    scheme, _, rest = authorization.partition(" ")
    if scheme != ALGORITHM:
        raise _outdated()
    given: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name in given:
            raise SignatureError(Reason.INCOMPLETE, "The Authorization header is malformed.")
        given[name] = value
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not given.get(name):
            raise SignatureError(Reason.INCOMPLETE, f"Authorization header requires '{name}' parameter.")
    timestamp = _header_timestamp(request.headers)
    token = request.headers.get("x-amz-security-token")
    pairs = tuple(canonical_pairs(request.query))
    return _claim(given["Credential"], given["SignedHeaders"], given["Signature"], timestamp, token, None, pairs)


def _claim_of_query(request: SignedRequest) -> Claim:
    pairs = canonical_pairs(request.query)
    given: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("X-Amz-"):
            if name in given:
                raise SignatureError(Reason.INCOMPLETE_QUERY, f"The query holds {name} more than once.")
            given[name] = unquote_to_bytes(value).decode("utf-8", "replace")
    if given.get("X-Amz-Algorithm") != ALGORITHM:
        raise SignatureError(Reason.INCOMPLETE_QUERY, f"X-Amz-Algorithm only supports {ALGORITHM}.")
    for name in ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"):
        if not given.get(name):
            raise SignatureError(Reason.INCOMPLETE_QUERY, f"The query-string form of a signature requires {name}.")
    lifetime = given["X-Amz-Expires"]
    if not (lifetime.isascii() and lifetime.isdigit() and len(lifetime) <= 9):
        raise SignatureError(Reason.INCOMPLETE_QUERY, "X-Amz-Expires should be a number of seconds.")
    if not 1 <= int(lifetime) <= MAX_PRESIGNED_SECONDS:
        raise SignatureError(
            Reason.INCOMPLETE_QUERY, "X-Amz-Expires must be from 1 to 604800 seconds, which are a week."
        )
    if _TIMESTAMP.fullmatch(given["X-Amz-Date"]) is None:
        raise SignatureError(Reason.INCOMPLETE_QUERY, "X-Amz-Date must have the form YYYYMMDDTHHMMSSZ.")
    return _claim(
        given["X-Amz-Credential"],
        given["X-Amz-SignedHeaders"],
        given["X-Amz-Signature"],
        given["X-Amz-Date"],
        given.get("X-Amz-Security-Token"),
        int(lifetime),
        tuple(pair for pair in pairs if pair[0] != "X-Amz-Signature"),
    )


def _claim(
    credential: str,
    signed_headers: str,
    signature: str,
    timestamp: str,
    token: str | None,
    expires_seconds: int | None,
    query: tuple[tuple[str, str], ...],
) -> Claim:
    scope = _CREDENTIAL.fullmatch(credential)
    if scope is None:
        raise SignatureError(
            Reason.INCOMPLETE,
            "Credential must have the form ACCESS-KEY-ID/YYYYMMDD/REGION/SERVICE/aws4_request.",
        )
    access_key_id, date, region, service = scope.groups()
    if _HEX_SHA256.fullmatch(signature) is None:
        raise SignatureError(Reason.INCOMPLETE, "Signature must be 64 hexadecimal digits in lower case.")
    signed_at = _instant(timestamp)
    if date != timestamp[:8]:
        raise SignatureError(
            Reason.WRONG_SCOPE,
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date}' != '{timestamp[:8]}', from '{timestamp}'.",
        )
    return Claim(
        access_key_id,
        date,
        region,
        service,
        timestamp,
        signed_at,
        tuple(signed_headers.split(";")),
        signature,
        token,
        expires_seconds,
        query,
    )


def _header_timestamp(headers: Mapping[str, str]) -> str:
    stamp = headers.get("x-amz-date")
    if stamp is not None:
        if _TIMESTAMP.fullmatch(stamp) is None:
            raise SignatureError(Reason.INCOMPLETE, "X-Amz-Date must have the form YYYYMMDDTHHMMSSZ.")
        return stamp
    try:
        dated = parsedate_to_datetime(headers["date"])
        if dated.tzinfo is None:
            dated = dated.replace(tzinfo=UTC)
        return dated.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except (KeyError, ValueError, OverflowError):
        message = "A signed request requires a valid 'X-Amz-Date' or 'Date' header."
        raise SignatureError(Reason.INCOMPLETE, message) from None


def _instant(timestamp: str) -> datetime:
    """The moment that a timestamp of checked form names."""
    try:
        return datetime(
            int(timestamp[:4]),
            int(timestamp[4:6]),
            int(timestamp[6:8]),
            int(timestamp[9:11]),
            int(timestamp[11:13]),
            int(timestamp[13:15]),
            tzinfo=UTC,
        )
    except ValueError:
        raise SignatureError(Reason.INCOMPLETE, f"{timestamp} is no date.") from None


def _outdated() -> SignatureError:
    return SignatureError(
        Reason.OUTDATED,
        f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.",
    )
