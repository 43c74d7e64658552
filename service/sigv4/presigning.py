"""Presigned URLs: a request whose signature travels in its query."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from service.sigv4.canonical import (
    ALGORITHM,
    EMPTY_SHA256,
    UNSIGNED_PAYLOAD,
    canonical_request,
    credential_scope,
    derive_signing_key,
    joined,
    sign,
)
from service.sigv4.claim import MAX_PRESIGNED_SECONDS

_DEFAULT_PORTS = {"http": 80, "https": 443}


def presign(
    method: str,
    url: str,
    *,
    access_key_id: str,
    secret_key: str,
    session_token: str | None = None,
    region: str,
    service: str = "s3",
    now: datetime,
    expires_seconds: int,
    query: Mapping[str, str] | None = None,
) -> str:
    """The URL with a signature in its query, good for `expires_seconds` from `now` (1 to 604,800; else ValueError).

    The path of `url` must be percent-encoded already; `query` holds further parameters, not encoded. The body stays
    unsigned for S3 and is taken as empty for every other service.
    """
    if not 1 <= expires_seconds <= MAX_PRESIGNED_SECONDS:
        raise ValueError(f"expires_seconds must be from 1 to {MAX_PRESIGNED_SECONDS}")
    parts = urlsplit(url)
    timestamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = credential_scope(timestamp[:8], region, service)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query or {})
    parameters |= {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{access_key_id}/{scope}",
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": str(expires_seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if session_token is not None:
        parameters["X-Amz-Security-Token"] = session_token
    encoded = [(_encoded(name), _encoded(value)) for name, value in parameters.items()]
    canonical = canonical_request(
        method.upper(),
        parts.path,
        encoded,
        {"host": _host_header(parts.scheme, parts.hostname or "", parts.port)},
        ("host",),
        UNSIGNED_PAYLOAD if service == "s3" else EMPTY_SHA256,
        service,
    )
    signing_key = derive_signing_key(secret_key, timestamp[:8], region, service)
    signature = sign(signing_key, timestamp, scope, canonical)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, f"{joined(encoded)}&X-Amz-Signature={signature}", ""))


@lru_cache(maxsize=256)
def _encoded(text: str) -> str:
    """Percent-encoded. A session token is long, and signs many links: nearly all of its time went into this."""
    return quote(text, safe="-_.~")


def _host_header(scheme: str, host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    if port is None or port == _DEFAULT_PORTS.get(scheme):
        return name
    return f"{name}:{port}"
