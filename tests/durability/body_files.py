"""The files of large bodies, counted on the disk and by what S3 tells of objects and unfinished uploads."""

from pathlib import Path
from typing import Any

from cloud_servers import ServedCloud

LARGEST_INLINE = 64 * 1024  # bytes; a larger body, or part of one, is a file of its own


def files_on_disk(data: Path) -> int:
    return sum(1 for path in (data / "bodies").iterdir() if len(path.stem) == 32)


def files_needed(cloud: ServedCloud) -> int:
    s3 = cloud.client("s3")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    return sum(_of_objects(s3, bucket) + _of_uploads(s3, bucket) for bucket in buckets)


def _of_objects(s3: Any, bucket: str) -> int:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    large = [entry for page in pages for entry in page.get("Versions", []) if entry["Size"] > LARGEST_INLINE]
    return sum(_parts(entry["ETag"]) for entry in large)


def _of_uploads(s3: Any, bucket: str) -> int:
    needed = 0
    for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        parts = s3.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]).get("Parts", [])
        needed += sum(part["Size"] > LARGEST_INLINE for part in parts)
    return needed


def _parts(entity_tag: str) -> int:
    """How many parts an object was uploaded in: S3 writes it behind the entity tag's digest."""
    _, _, number = entity_tag.strip('"').partition("-")
    return int(number or 1)
