"""A small S3 for tests of what stands before it: buckets, objects and uploads, with bodies as it was given them."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from infra.local.account import Account
from infra.local.authentication import Authenticator
from infra.local.authorization import Authorizer, service_grants
from infra.local.durable.s3.bodies import Bodies, StoredBody
from infra.local.gateway import Gateway
from infra.local.hosts import HostNames
from infra.local.http import BodyStream, LocalRequest, LocalResponse
from infra.local.protocol_errors import error_response
from infra.local.sessions import Sessions


@dataclass(frozen=True)
class Stored:
    """A body as the host keeps it, and what came with it."""

    content: bytes | StoredBody
    headers: dict[str, str]
    md5: str | None = None
    checksums: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.size


@dataclass
class StoringHost:
    """Adopts what is staged, unless `adopts` says otherwise; answers `refusal` to every upload when there is one."""

    bodies: Bodies
    buckets: set[str] = field(default_factory=lambda: {"music"})
    objects: dict[str, list[Stored]] = field(default_factory=dict)
    uploads: dict[str, dict[int, Stored]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    adopts: bool = True
    refusal: LocalResponse | None = None

    def handle(self, service: str, request: LocalRequest, *, operation: str, **_: Any) -> LocalResponse:
        self.asked.append(operation)
        if request.path.split("/")[1] not in self.buckets:
            return error_response(service, 404, "NoSuchBucket", "The specified bucket does not exist")
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        return getattr(self, f"_{operation}")(request, query)

    def _GetBucketLocation(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        return LocalResponse(200, (), b"<LocationConstraint/>")

    def _PutObject(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        stored = self._kept(request)
        if self.refusal is not None:
            return self.refusal
        self.objects[request.path] = [stored]
        return LocalResponse(200, (("etag", '"etag"'),), b"")

    def _GetObject(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        if request.path not in self.objects:
            return error_response("s3", 404, "NoSuchKey", "The specified key does not exist.")
        pieces = self.objects[request.path]
        size = sum(piece.size for piece in pieces)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        start, end = (int(asked[1]), min(size, int(asked[2] or size) + 1)) if asked else (0, size)
        headers = (("etag", '"etag"'), ("content-range", f"bytes {start}-{end - 1}/{size}" if asked else ""))
        if all(isinstance(piece.content, StoredBody) for piece in pieces):
            reader = self.bodies.read_pieces([piece.content for piece in pieces], start, end)
            return LocalResponse(206 if asked else 200, headers, b"", BodyStream(reader.length, reader))
        whole = b"".join(piece.content for piece in pieces)
        return LocalResponse(206 if asked else 200, headers, whole[start:end])

    def _HeadObject(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        size = sum(piece.size for piece in self.objects[request.path])
        return LocalResponse(200, (("content-length", str(size)), ("etag", '"etag"')), b"")

    def _CreateMultipartUpload(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        upload = f"upload{len(self.uploads)}"
        self.uploads[upload] = {}
        result = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        return LocalResponse(200, (), result.encode())

    def _ListParts(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        if query["uploadId"] not in self.uploads:
            return error_response("s3", 404, "NoSuchUpload", "The specified upload does not exist.")
        return LocalResponse(200, (), b"<ListPartsResult/>")

    def _UploadPart(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        self.uploads[query["uploadId"]][int(query["partNumber"])] = self._kept(request)
        return LocalResponse(200, (("etag", '"part"'),), b"")

    def _CompleteMultipartUpload(self, request: LocalRequest, query: dict[str, str]) -> LocalResponse:  # noqa: N802
        parts = self.uploads.pop(query["uploadId"])
        self.objects[request.path] = [parts[number] for number in sorted(parts)]
        return LocalResponse(200, (), b"<CompleteMultipartUploadResult/>")

    def _kept(self, request: LocalRequest) -> Stored:
        if request.staged is None:
            return Stored(request.body, dict(request.headers))
        assert request.body == b""
        if self.adopts:
            request.staged.adopt()
        staged = request.staged
        return Stored(staged.stored, dict(request.headers), staged.md5, dict(staged.checksums))


def gateway_to(host: StoringHost, account: Account) -> Gateway:
    """A gateway with this host behind it, for root and the service's own roles; to be closed."""
    sessions = Sessions(account)
    return Gateway(
        account,
        Authenticator(account, sessions, {}.get, lambda user_id: False),
        Authorizer(service_grants(account, "chorale", "chorale-music")),
        sessions,
        host,
        host.handle,
        HostNames([]),
        host.bodies,
    )
