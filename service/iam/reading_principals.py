"""The Principal element as it is written: `"*"`, or names by their type."""

import re
from typing import Any

from service.iam import arns, json_text

TYPES = ("AWS", "Service", "Federated", "CanonicalUser")

_IAM_ARN = re.compile(
    r"arn:[a-z0-9-]+:(?:iam|sts)::(?:[0-9]{12}:root|(?:[0-9]{12}|cloudfront):(?:user|role|assumed-role|federated-user)/[^*?]+)"
)
_UNIQUE_ID = re.compile(r"(?:AIDA|AROA)[A-Z0-9]{8,124}")
_SERVICE = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CANONICAL = re.compile(r"[0-9a-f]{64}")


def read_principals(written: Any) -> dict[str, tuple[str, ...]]:
    """Names by type; a bare `*` is `{"AWS": "*"}`, an account number its root ARN.

    Raises ValueError with a sentence.
    """
    if written == "*":
        return {"AWS": ("*",)}
    if not isinstance(written, dict) or not written:
        raise ValueError('The principal must be "*" or a JSON object such as {"AWS": "arn:…"}.')
    entries = {}
    for kind, names in written.items():
        if kind not in TYPES:
            raise ValueError(f'"{kind}" is no type of principal; known are {", ".join(TYPES)}.')
        listed = names if isinstance(names, list) else [names]
        if not listed:
            raise ValueError(f"The principal {kind} must not be empty.")
        entries[kind] = tuple(_name(kind, name) for name in listed)
    return entries


def _name(kind: str, name: Any) -> str:
    if not isinstance(name, str) or isinstance(name, json_text.Number) or not name:
        raise ValueError(f"The names of the principal {kind} must be strings.")
    if kind == "AWS":
        return _aws(name)
    if kind == "Service" and not _SERVICE.fullmatch(name):
        raise ValueError(f'"{name}" is no name of a service such as lambda.amazonaws.com.')
    if kind == "CanonicalUser" and not _CANONICAL.fullmatch(name):
        raise ValueError(f'"{name}" is no canonical user ID: 64 hexadecimal digits.')
    if kind == "Federated" and ("*" in name or "?" in name):
        raise ValueError(f'"{name}": a wildcard cannot stand for part of a principal.')
    return name


def _aws(name: str) -> str:
    if name == "*" or _UNIQUE_ID.fullmatch(name):
        return name
    if arns.is_account(name):
        return arns.root_arn(name)
    if "*" in name or "?" in name:
        raise ValueError(f'"{name}": a wildcard cannot stand for part of a principal; "*" alone means everybody.')
    if not _IAM_ARN.fullmatch(name):
        raise ValueError(f'"{name}" is no account, user, role or session.')
    return name
