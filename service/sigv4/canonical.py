"""The canonical request, the string to sign and the signing key of AWS Signature Version 4, from raw path and query."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]*")
_SPACES = re.compile(r"[ \t]+")


@lru_cache(maxsize=1024)
def derive_signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The 32-byte key that signs everything for one day, region and service."""
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def credential_scope(date: str, region: str, service: str) -> str:
    return f"{date}/{region}/{service}/aws4_request"


def sign(signing_key: bytes, timestamp: str, scope: str, canonical: str) -> str:
    """The signature of a canonical request, in hexadecimal."""
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    to_sign = f"{ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
    return hmac.digest(signing_key, to_sign.encode(), "sha256").hex()


def canonical_request(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    signed_headers: Iterable[str],
    payload: str,
    service: str,
) -> str:
    """The text whose hash is signed.

    `path` is percent-encoded as sent, `query` holds encoded names and values, `headers` has a value for every name in
    `signed_headers`, and `payload` is the last line: the body's hash or the word that stands for it.
    """
    lines = [f"{name}:{trimmed(headers[name])}\n" for name in signed_headers]
    return "\n".join(
        (
            method,
            canonical_path(path, service),
            joined(sorted(query)),
            "".join(lines),
            ";".join(signed_headers),
            payload,
        )
    )


def canonical_path(path: str, service: str) -> str:
    if not path or path == "/":
        return "/"
    if service == "s3":
        return path
    if "/." in path or "//" in path:
        path = _without_dot_segments(path)
    return quote(path.encode("latin-1"), safe="/~")


def canonical_pairs(query: str) -> list[tuple[str, str]]:
    """The query's names and values, each percent-encoded as the canonical request has it, in the order they came."""
    if not query:
        return []
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        pairs.append((_encoded(name), _encoded(value)))
    return pairs


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join([f"{name}={value}" for name, value in pairs])


def trimmed(value: str) -> str:
    """A header's value with white space removed at both ends and runs of it made one space."""
    if "  " in value or "\t" in value:
        value = _SPACES.sub(" ", value)
    return value.strip(" ")


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + slash


def _encoded(text: str) -> str:
    """Text of a query in its one canonical encoding. A plus sign stands for a space, as in every HTML form."""
    if _UNRESERVED.fullmatch(text):
        return text
    return quote(unquote_to_bytes(text.replace("+", " ").encode("latin-1")), safe="-_.~")
