"""Music in S3: MIDI and audio under `compositions/ID/`, and presigned links to download them.

The bucket encrypts by itself (infra/storage.yaml). A key is never written twice: each object has a random part in its
name, so that two writers cannot overwrite each other and a reader never sees half of anything.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from botocore.exceptions import ClientError

from service.resources import new_id
from service.sigv4 import presign

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT_TYPES = {"mid": "audio/midi", "mp3": "audio/mpeg", "wav": "audio/wav"}

# A session token whose expiry the credentials do not tell (Lambda's environment) is trusted for this long.
UNTOLD_SESSION = timedelta(hours=1)

DELETE_BATCH = 1000  # the most keys one DeleteObjects takes

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()-]")


class ObjectGone(LookupError):
    """There is no object under this key, because its composition was deleted."""


class Credentials(Protocol):
    """What botocore's Credentials and RefreshableCredentials have in common."""

    def get_frozen_credentials(self) -> Any: ...


@dataclass(frozen=True)
class Link:
    url: str
    expires: datetime


def new_object_key(composition_id: str, kind: str, suffix: str) -> str:
    """A key nobody has used: `compositions/ID/KIND-RANDOM.SUFFIX`. The suffix decides the content type."""
    return f"{prefix_of(composition_id)}{kind}-{new_id()}.{suffix}"


def prefix_of(composition_id: str) -> str:
    return f"compositions/{composition_id}/"


class Objects:
    """The music bucket. `public_endpoint` is where downloaders reach S3; None means AWS's own host names."""

    def __init__(
        self, client: "S3Client", bucket: str, region: str, credentials: Credentials, public_endpoint: str | None
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._region = region
        self._credentials = credentials
        host = public_endpoint and f"{public_endpoint.rstrip('/')}/{bucket}"
        self._base = host or f"https://{bucket}.s3.{region}.amazonaws.com"

    def put(self, key: str, data: bytes) -> None:
        content_type = CONTENT_TYPES[key.rpartition(".")[2]]
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def get(self, key: str) -> bytes:
        """Raises ObjectGone when it is not there."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise ObjectGone(key) from None
            raise

    def delete(self, key: str) -> None:
        """Removes the object, if it is there."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def delete_all_of(self, composition_id: str) -> None:
        """Removes every object of a composition. Raises RuntimeError when S3 keeps one."""
        keys = self.keys_of(composition_id)
        for start in range(0, len(keys), DELETE_BATCH):
            listed: Any = [{"Key": key} for key in keys[start : start + DELETE_BATCH]]
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": listed, "Quiet": True})
            if errors := answer.get("Errors"):
                raise RuntimeError(f"S3 kept {len(errors)} objects of {composition_id}: {errors[0].get('Code')}")

    def keys_of(self, composition_id: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix_of(composition_id)
        )
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def link(self, key: str, file_name: str, asked: timedelta, now: datetime) -> Link:
        """A presigned GET that saves as `file_name`; it ends with the signer's session, if that comes first."""
        return self.links([(key, file_name)], asked, now)[0]

    def links(self, files: Iterable[tuple[str, str]], asked: timedelta, now: datetime) -> list[Link]:
        """A link to each of several objects, given as key and file name."""
        self._credentials.get_frozen_credentials()  # renews a session that is about to end
        # In this order, so that a renewal in between makes the links end too early rather than too late.
        told_end = self._told_session_end()
        frozen = self._credentials.get_frozen_credentials()
        session_end = (told_end or now + UNTOLD_SESSION) if frozen.token else None
        ends = now + asked if session_end is None else min(now + asked, session_end)
        seconds = max(1, int((ends - now).total_seconds()))
        expires = min(ends, now.replace(microsecond=0) + timedelta(seconds=seconds))
        return [Link(self._presigned(frozen, key, file_name, now, seconds), expires) for key, file_name in files]

    def _presigned(self, frozen: Any, key: str, file_name: str, now: datetime, seconds: int) -> str:
        return presign(
            "GET",
            f"{self._base}/{quote(key, safe='/-_.~')}",
            access_key_id=frozen.access_key,
            secret_key=frozen.secret_key,
            session_token=frozen.token,
            region=self._region,
            service="s3",
            now=now,
            expires_seconds=seconds,
            query={"response-content-disposition": _attachment(file_name)},
        )

    def _told_session_end(self) -> datetime | None:
        """When the signer's session ends, if the credentials tell."""
        # botocore keeps the expiry of refreshable credentials in this attribute and offers no other way to it
        expiry: datetime | None = getattr(self._credentials, "_expiry_time", None)
        return expiry


def _attachment(file_name: str) -> str:
    """A Content-Disposition with a plain name for old clients and the exact one for all others (RFC 6266)."""
    plain = _NOT_PLAIN.sub("_", file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
