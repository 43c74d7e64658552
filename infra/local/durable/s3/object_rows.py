"""A version of an object, an upload and a part of one as the content of their rows, and back.

The content is JSON. Of a key only those attributes are written that differ from what moto gives every key; a test
holds the table below against moto's own class, so that an attribute that comes or goes is noticed.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.s3.models import FakeAcl, FakeDeleteMarker, FakeGrant, FakeGrantee, FakeKey, get_canned_acl
from moto.s3.utils import CaseInsensitiveDict
from moto.utilities.utils import LowercaseDict

from infra.local.durable.s3.object_bodies import BodyRow
from infra.local.durable.s3.object_encryption import Place, Protection
from infra.local.durable.s3.object_keys import Origin, StoredKey, StoredUpload

# Attributes of a key that are written as they are.
PLAIN = (
    "_etag",
    "_is_versioned",
    "_storage_class",
    "_version_id",
    "bucket_key_enabled",
    "checksum_algorithm",
    "checksum_parts",
    "checksum_type",
    "checksum_value",
    "contentsize",
    "encryption",
    "kms_key_id",
    "lock_legal_status",
    "lock_mode",
    "lock_until",
    "website_redirect_location",
)
# Those that are written in a form of their own, or follow from where the key is.
TRANSLATED = ("_expiry", "_metadata", "acl", "last_modified", "multipart")
DERIVED = ("account_id", "bucket_name", "name", "partition", "region_name")
# What moto does with a key while it answers one request.
PASSING = (
    "_max_buffer_size",
    "_status",
    "_tick",
    "_time_progressed",
    "_transitions",
    "_value_buffer",
    "disposed",
    "lock",
    "model_name",
)

_PRIVATE_ACL = get_canned_acl("private")


def object_place(bucket: str, key: bytes, n: int) -> bytes:
    """Where the content of a row of `object` is sealed for; the same for `upload` and `upload_part` below."""
    return b"object %b\0%b\0%d" % (bucket.encode(), key, n)


def upload_place(bucket: str, upload_id: str) -> bytes:
    return b"upload %b\0%b" % (bucket.encode(), upload_id.encode())


def part_place(bucket: str, upload_id: str, n: int) -> bytes:
    return b"upload_part %b\0%b\0%d" % (bucket.encode(), upload_id.encode(), n)


class Rows:
    """Translates for the account's one backend of S3."""

    def __init__(self, account: str, region: str) -> None:
        fresh = FakeKey("", b"", account, region)
        fresh.dispose()
        self._fresh = {name: value for name, value in vars(fresh).items() if name not in ("_value_buffer", "lock")}
        self._account = account
        self._region = region

    def write_version(self, version: StoredKey | FakeDeleteMarker, body: BodyRow | None) -> bytes:
        """The content of a version's row; a delete marker has no body."""
        if isinstance(version, FakeDeleteMarker):
            return _json({**_marker(version), "last_modified": version.last_modified.isoformat()})
        members: dict[str, Any] = {
            name: value for name in PLAIN if (value := getattr(version, name)) != self._fresh.get(name)
        }
        assert body is not None
        members["last_modified"] = version.last_modified.isoformat()
        members["metadata"] = dict(version.metadata)
        members["body"] = body.to_json()
        if version.tags:
            members["tags"] = version.tags
        if (acl := _acl(version.acl)) != _acl(_PRIVATE_ACL):
            members["acl"] = acl
        if version._expiry:
            members["expiry"] = version._expiry.isoformat()
        if version.multipart:
            members["upload"] = [version.multipart.id, version.multipart.sizes]
        return _json(members)

    def read_version(self, bucket: str, key: bytes, n: int, content: bytes) -> StoredKey | FakeDeleteMarker:
        members = json.loads(content)
        if "marker" in members:
            return _read_marker(key.decode(), members)
        version = object.__new__(StoredKey)
        state = vars(version)
        state.update(self._fresh)
        state.update({name: members[name] for name in PLAIN if name in members})
        version.n = n
        version.name = key.decode()
        version.bucket_name = bucket
        version.last_modified = datetime.fromisoformat(members["last_modified"])
        version._metadata = LowercaseDict()
        version._metadata.store = members["metadata"]
        version.body = BodyRow.from_json(members["body"])
        version.tags = members.get("tags", {})
        version.acl = _read_acl(members["acl"]) if "acl" in members else _PRIVATE_ACL
        if "expiry" in members:
            version._expiry = datetime.fromisoformat(members["expiry"])
        if "upload" in members:
            upload_id, sizes = members["upload"]
            version.multipart = Origin(upload_id, tuple(sizes))
        return version

    def write_upload(self, upload: StoredUpload) -> bytes:
        return _json(
            {
                "initiated": upload.initiated,
                "metadata": dict(upload.metadata),
                "storage": upload.storage,
                "tags": upload.tags,
                "acl": _acl(upload.acl),
                "encryption": upload.sse_encryption,
                "kms_key_id": upload.kms_key_id,
            }
        )

    def read_upload(self, bucket: str, upload_id: str, key: bytes, content: bytes) -> StoredUpload:
        members = json.loads(content)
        upload = object.__new__(StoredUpload)
        upload.id = upload_id
        upload.key_name = key.decode()
        upload.bucket_name = bucket
        upload.account_id = self._account
        upload.region_name = self._region
        upload.metadata = CaseInsensitiveDict(members["metadata"])
        upload.storage = members["storage"]
        upload.tags = members["tags"]
        upload.acl = _read_acl(members["acl"])
        upload.sse_encryption = members["encryption"]
        upload.kms_key_id = members["kms_key_id"]
        upload.initiated = members["initiated"]
        return upload


def version_place(version: StoredKey) -> Place:
    """Where a stored version is, for the encryption of its body."""
    assert version.n is not None
    assert version.bucket_name is not None
    return Place("object", version.bucket_name, version.name, version.n)


def protection_of(thing: StoredKey | StoredUpload) -> Protection:
    """How a stored object, or the parts of an upload, are encrypted."""
    algorithm = thing.sse_encryption if isinstance(thing, StoredUpload) else thing.encryption
    assert algorithm is not None
    return Protection(algorithm, thing.kms_key_id)


def _marker(marker: FakeDeleteMarker) -> Mapping[str, Any]:
    # moto tells from the version below whether a marker was put upon another one.
    return {"marker": marker._version_id, "upon_marker": isinstance(marker.key, FakeDeleteMarker)}


def _read_marker(name: str, members: Mapping[str, Any]) -> FakeDeleteMarker:
    marker = object.__new__(FakeDeleteMarker)
    marker.name = name
    marker.last_modified = datetime.fromisoformat(members["last_modified"])
    marker._version_id = members["marker"]
    marker.key = object.__new__(FakeDeleteMarker if members["upon_marker"] else StoredKey)  # type: ignore[assignment]
    return marker


def _acl(acl: FakeAcl | None) -> list[Any] | None:
    if acl is None:
        return None
    return [
        [[[grantee.id, grantee.uri, grantee.display_name] for grantee in grant.grantees], list(grant.permissions)]
        for grant in acl.grants
    ]


def _read_acl(written: list[Any] | None) -> FakeAcl | None:
    if written is None:
        return None
    return FakeAcl([FakeGrant([FakeGrantee(*one) for one in grantees], list(allowed)) for grantees, allowed in written])


def _json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode("ascii")
