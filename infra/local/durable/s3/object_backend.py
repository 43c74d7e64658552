"""moto's backend of S3 with its objects and uploads in rows.

A backend, its buckets and its tagger are converted in place: they stay moto's, with another class or other mappings
inside. moto validates and decides; what it would have kept in memory is taken from and put into the request's unit.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.s3.exceptions import AccessDeniedByLock, MissingKey, MissingVersion, NoSuchUpload
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend

from infra.local.durable.s3.object_encryption import SSE_S3
from infra.local.durable.s3.object_keys import (
    CompletedHandle,
    FakeMultipart,
    KeyHandle,
    StoredKey,
    StoredUpload,
    VersionTags,
)
from infra.local.durable.s3.object_units import KeyVersions, Version, VersionList
from infra.local.durable.s3.object_work import Work
from infra.local.durable.s3.uploads import MOST_PARTS, Part, checksum_header, checksum_kind

# What the codec of moto's small state leaves out, because `attach` puts it in place again.
LEFT_OUT: Mapping[type, frozenset[str]] = {
    S3Backend: frozenset({"current_work"}),
    FakeBucket: frozenset({"keys", "multiparts"}),
}

CurrentWork = Callable[[], Work]
_NULL_VERSION = "null"
_MOST_PARTS_LISTED = 1000


def attach(backend: S3Backend, current_work: CurrentWork) -> None:
    """Converts a backend of moto's and its buckets; again when they were restored."""
    backend.__class__ = DurableBackend
    assert isinstance(backend, DurableBackend)
    backend.current_work = current_work
    backend.tagger.__class__ = VersionTags
    for bucket in backend.buckets.values():
        _attach_bucket(bucket, current_work)


def _attach_bucket(bucket: FakeBucket, current_work: CurrentWork) -> None:
    bucket.keys = BucketKeys(bucket.name, current_work)  # type: ignore[assignment]
    bucket.multiparts = BucketUploads(bucket.name, current_work)  # type: ignore[assignment]


class BucketKeys:
    """The objects of a bucket: a mapping from keys to their versions, as moto uses its own."""

    def __init__(self, bucket: str, current_work: CurrentWork) -> None:
        self._bucket = bucket
        self._work = current_work

    def getlist(self, key: str, default: Any = None) -> Any:
        versions = self._versions(key).versions()
        return versions or default

    def setlist(self, key: str, versions: list[Version] | VersionList) -> None:
        self._versions(key).replace(versions)

    def get(self, key: str, default: Any = None) -> Any:
        return self._versions(key).newest() or default

    def __getitem__(self, key: str) -> Version:
        newest = self._versions(key).newest()
        if newest is None:
            raise KeyError(key)
        return newest

    def __setitem__(self, key: str, version: Version) -> None:
        versions = self._versions(key)
        versions.replace(versions.versions() + [version])  # noqa: RUF005

    def __contains__(self, key: str) -> bool:
        return self._versions(key).newest() is not None

    def pop(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self.setlist(key, [])

    def __bool__(self) -> bool:
        return self._work().unit.has_objects(self._bucket)

    def item_size(self) -> int:
        """moto asks only whether there are objects."""
        return int(bool(self))

    def values(self) -> Iterator[Version]:
        """What moto would have to close when it forgets a bucket: nothing."""
        return iter(())

    def _versions(self, key: str) -> KeyVersions:
        return self._work().unit.key(self._bucket, key)


class BucketUploads:
    """The uploads to a bucket, by their ids, as moto uses its own mapping."""

    def __init__(self, bucket: str, current_work: CurrentWork) -> None:
        self._bucket = bucket
        self._work = current_work

    def get(self, upload_id: str, default: Any = None) -> Any:
        return self._work().unit.uploads.find(self._bucket, upload_id) or default

    def __getitem__(self, upload_id: str) -> StoredUpload:
        found = self.get(upload_id)
        if found is None:
            raise NoSuchUpload(upload_id=upload_id)
        assert isinstance(found, StoredUpload)
        return found

    def __contains__(self, upload_id: str) -> bool:
        return self.get(upload_id) is not None

    def __setitem__(self, upload_id: str, upload: FakeMultipart) -> None:
        self._work().unit.uploads.add(self._bucket, upload)

    def __delitem__(self, upload_id: str) -> None:
        unit = self._work().unit
        unit.unneeded_files += unit.uploads.remove(self._bucket, upload_id)

    def values(self) -> Iterator[StoredUpload]:
        """What moto would have to close when it forgets a bucket: nothing."""
        return iter(())


class DurableBackend(S3Backend):
    """moto's S3; `current_work` gives the request that the calling thread answers."""

    current_work: CurrentWork

    def create_bucket(self, bucket_name: str, region_name: str, bucket_namespace: str | None = None) -> FakeBucket:
        bucket = super().create_bucket(bucket_name, region_name, bucket_namespace)
        _attach_bucket(bucket, self.current_work)
        return bucket

    def delete_bucket(self, bucket_name: str) -> FakeBucket | None:
        deleted = super().delete_bucket(bucket_name)
        if deleted is not None:
            unit = self.current_work().unit
            unit.unneeded_files += unit.uploads.remove_all(bucket_name)
        return deleted

    def put_object(  # type: ignore[override]
        self, bucket_name: str, key_name: str, value: bytes, **settings: Any
    ) -> FakeKey:
        """The object is made of the body of the request, unless `value` says that an upload was completed."""
        work = self.current_work()
        if isinstance(value, KeyHandle):
            work.check_source(value.key)
        completed = value.completed if isinstance(value, CompletedHandle) else None
        body = completed.body if completed else work.body
        bucket = self.get_bucket(bucket_name)
        # moto would overwrite all versions where versioning is suspended.
        kept = _numbered(bucket, key_name) if _is_suspended(bucket) else None
        stored = StoredKey.make(
            super().put_object(bucket_name, key_name, b"", **settings), body, completed.etag if completed else None
        )
        stored.multipart = completed.origin if completed else None
        if kept is not None:
            bucket.keys.setlist(key_name, [*kept, stored])
        # A key that the bucket has as its default is for objects that do not ask for another protection.
        key_id = settings.get("kms_key_id") if stored.encryption == SSE_S3 else stored.kms_key_id
        protection = work.protection(stored.encryption, key_id, bucket.region_name)
        stored.encryption, stored.kms_key_id = protection.algorithm, protection.key_arn
        return stored

    def copy_object(  # type: ignore[override]
        self, src_key: FakeKey, dest_bucket_name: str, dest_key_name: str, **settings: Any
    ) -> None:
        """The copy was made before: it is the body of the request."""
        super().copy_object(src_key, dest_bucket_name, dest_key_name, **settings)
        work = self.current_work()
        copy = self.get_bucket(dest_bucket_name).keys[dest_key_name]
        algorithm = work.given.checksum_algorithm
        if algorithm:
            copy.checksum_algorithm = algorithm
            copy.checksum_value = work.body.checksums[checksum_header(algorithm)]
            copy.checksum_type = "FULL_OBJECT"

    def delete_object(
        self, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> tuple[bool, dict[str, Any]]:
        """moto knows versions only while versioning is enabled: without, it would delete all of them."""
        bucket = self.get_bucket(bucket_name)
        if bucket.is_versioned or (not _is_suspended(bucket) and version_id in (None, _NULL_VERSION)):
            return super().delete_object(bucket_name, key_name, version_id, bypass)
        versions = list(bucket.keys.getlist(key_name, []))
        if version_id is not None:
            return _delete_version(bucket, key_name, versions, version_id, bypass)
        if not versions:
            return False, {}
        marker = FakeDeleteMarker(key=versions[-1])
        marker._version_id = _NULL_VERSION
        bucket.keys.setlist(key_name, [*_numbered(bucket, key_name), marker])
        return True, {"version-id": _NULL_VERSION, "delete-marker": "true"}

    def delete_object_tagging(self, bucket_name: str, key_name: str, version_id: str | None = None) -> None:
        if self.get_object(bucket_name, key_name, version_id=version_id) is None:
            raise MissingKey(key=key_name) if version_id is None else MissingVersion
        super().delete_object_tagging(bucket_name, key_name, version_id)

    def create_multipart_upload(
        self,
        bucket_name: str,
        key_name: str,
        metadata: Any,
        storage_type: str,
        tags: dict[str, str],
        acl: Any,
        sse_encryption: str | None,
        kms_key_id: str | None,
    ) -> FakeMultipart:
        """Settings that moto leaves open until the upload is completed are settled here, as on AWS."""
        bucket = self.get_bucket(bucket_name)
        algorithm = metadata.get("x-amz-checksum-algorithm")
        if algorithm:
            metadata["x-amz-checksum-type"] = checksum_kind(algorithm, metadata.get("x-amz-checksum-type"))
        if sse_encryption is None and bucket.encryption:
            default = bucket.encryption["Rule"]["ApplyServerSideEncryptionByDefault"]
            sse_encryption = default["SSEAlgorithm"]
            kms_key_id = kms_key_id or default.get("KMSMasterKeyID")
        work = self.current_work()
        protection = work.protection(sse_encryption, kms_key_id, bucket.region_name)
        work.headers["x-amz-server-side-encryption"] = protection.algorithm
        if protection.key_arn:
            work.headers["x-amz-server-side-encryption-aws-kms-key-id"] = protection.key_arn
        return super().create_multipart_upload(
            bucket_name,
            key_name,
            metadata,
            storage_type,
            tags,
            bucket.acl if acl is None else acl,
            protection.algorithm,
            protection.key_arn,  # type: ignore[arg-type]
        )

    def upload_part(self, bucket_name: str, multipart_id: str, part_id: int, value: bytes) -> FakeKey:
        """The part is the body of the request, whatever `value` is."""
        work = self.current_work()
        upload = self.get_bucket(bucket_name).multiparts[multipart_id]
        assert isinstance(upload, StoredUpload)
        work.unit.unneeded_files += work.unit.uploads.put_part(upload, part_id, work.body)
        settings: Any = {"encryption": upload.sse_encryption, "kms_key_id": upload.kms_key_id}
        key = FakeKey(str(part_id), b"", self.account_id, self.region_name, bucket_name=bucket_name, **settings)
        return StoredKey.make(key, work.body)

    def upload_part_copy(  # type: ignore[override]
        self,
        dest_bucket_name: str,
        multipart_id: str,
        part_id: int,
        src_bucket_name: str,
        src_key_name: str,
        src_version_id: str | None,
        **_: Any,
    ) -> FakeKey:
        """The part was copied before: it is the body of the request."""
        source = self.get_object(src_bucket_name, src_key_name, version_id=src_version_id)
        assert source is not None  # moto has asked for it before
        self.current_work().check_source(source)
        return self.upload_part(dest_bucket_name, multipart_id, part_id, b"")

    def list_parts(  # type: ignore[override]
        self, bucket_name: str, multipart_id: str, part_number_marker: int = 0, max_parts: int = 1000
    ) -> list[Part]:
        upload = self.get_bucket(bucket_name).multiparts[multipart_id]
        limit = min(max_parts, _MOST_PARTS_LISTED)
        return self.current_work().unit.uploads.parts(bucket_name, upload.id, part_number_marker + 1, limit=limit)

    def is_truncated(self, bucket_name: str, multipart_id: str, next_part_number_marker: int) -> bool:
        uploads = self.current_work().unit.uploads
        return bool(uploads.parts(bucket_name, multipart_id, next_part_number_marker + 1, MOST_PARTS, 1))


def _is_suspended(bucket: FakeBucket) -> bool:
    """Whether a bucket may hold versions, and makes no new ones."""
    return bucket.versioning_status == "Suspended"


def _numbered(bucket: FakeBucket, key_name: str) -> list[Version]:
    """The versions of a key that stay when the one without an id is replaced."""
    return [version for version in bucket.keys.getlist(key_name, []) if version.version_id != _NULL_VERSION]


def _delete_version(
    bucket: FakeBucket, key_name: str, versions: list[Version], version_id: str, bypass: bool
) -> tuple[bool, dict[str, Any]]:
    deleted = [version for version in versions if version.version_id == version_id]
    if any(isinstance(version, FakeKey) and version.is_locked(bypass) for version in deleted):
        raise AccessDeniedByLock
    bucket.keys.setlist(key_name, [version for version in versions if version.version_id != version_id])
    facts = {"version-id": version_id}
    if any(isinstance(version, FakeDeleteMarker) for version in deleted):
        facts["delete-marker"] = "true"
    return bool(deleted), facts
