"""S3's objects on disk: every request to S3 goes through here, around moto.

    the body is received, or copied          object_intake.py   before the turn, while others write
    moto validates and decides               object_backend.py  in the turn, on its own buckets
      with the versions that it asks for     object_units.py    rows, loaded and written back
    large bodies go beside it                object_answers.py, object_bodies.py, uploads.py
    listings are read off the index          listing_answers.py, listings.py

Files that no row needs any more are removed when that is on the disk; a file whose row was taken back is never kept.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend

from infra.local.durable.errors import DamagedError, StoreStoppedError
from infra.local.durable.s3 import object_backend
from infra.local.durable.s3.bodies import Bodies
from infra.local.durable.s3.listing_answers import LISTINGS
from infra.local.durable.s3.object_answers import OF_AN_OBJECT, with_body, without_range
from infra.local.durable.s3.object_bodies import ObjectBodies
from infra.local.durable.s3.object_encryption import KmsOfRegion, ObjectEncryption, refuse_other_encryption
from infra.local.durable.s3.object_intake import (
    BRINGING_A_BODY,
    COPYING,
    NOTHING,
    PARTS,
    Given,
    Intake,
    S3Address,
    check_upload_is_of_key,
    checksums_asked,
    without_chunks,
)
from infra.local.durable.s3.object_keys import StoredKey
from infra.local.durable.s3.object_rows import Rows
from infra.local.durable.s3.object_sweep import sweep
from infra.local.durable.s3.object_units import Unit
from infra.local.durable.s3.object_work import OvertakenError, Work
from infra.local.durable.s3.uploads import checksum_header
from infra.local.durable.store import Store
from infra.local.http import LocalRequest, LocalResponse
from infra.local.protocol_errors import error_response

log = logging.getLogger(__name__)

Moto = Callable[[LocalRequest], LocalResponse]
Turn = Callable[[Callable[[], LocalResponse]], LocalResponse]

_ATTEMPTS = 3  # of a request that others overtake, before they have to wait for it

_LONGEST_KEY = 1024  # bytes
_STATUS = {
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
}
# Headers of the transfer, which moto would keep as metadata or act on.
_OF_THE_TRANSFER = frozenset({"content-md5", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer"})
_ALGORITHM = "x-amz-sdk-checksum-algorithm"


class ObjectStore:
    """The objects of one account."""

    def __init__(
        self,
        store: Store,
        bodies: Bodies,
        backend: Callable[[], S3Backend],
        kms: KmsOfRegion,
        note: Callable[[str], None] = lambda service: None,
    ) -> None:
        """`backend` gives moto's S3, `kms` its KMS of a region; `note` is told of services that a request changed.

        Nothing is read here; `attach` before the first request.
        """
        self._store = store
        self._files = bodies
        self._backend = backend
        self._note = note
        self._encryption = ObjectEncryption(store.objects_key, kms)
        self._bodies = ObjectBodies(store, bodies, self._encryption)
        self._intake = Intake(bodies)
        self._rows: Rows | None = None
        self._mine = threading.local()
        self._unneeded: list[str] = []  # files of rows that are gone when what removed them is on the disk
        self._removing = threading.Lock()

    def attach(self) -> None:
        """Have moto's S3 keep its objects here; again whenever its buckets were restored."""
        backend = self._backend()
        self._rows = self._rows or Rows(backend.account_id, backend.region_name)
        self.adopt(backend)

    def adopt(self, backend: S3Backend) -> None:
        """The same for a backend that need not be the account's."""
        object_backend.attach(backend, self._current_work)

    def sweep(self) -> None:
        """Bring rows and files together, before the first request: see object_sweep.py."""
        assert self._rows is not None
        sweep(self._store, self._bodies, self._rows)

    def answer(self, request: LocalRequest, operation: str | None, turn: Turn, moto: Moto) -> LocalResponse:
        """S3's answer to a request. Raises WriteRefusedError, and DamagedError for what cannot be read.

        `turn` has its argument carried out in the request's turn, inside the store's `reading()` or `writing()`, and
        takes back what it wrote when its answer is an error; `moto` answers a request as moto does.
        """
        request = without_chunks(request)
        for _ in range(_ATTEMPTS):
            try:
                return self._answer(request, operation or "", turn, moto, alone=False)
            except OvertakenError:
                continue
            except DamagedError:
                # Whoever reads without a turn may find a file gone whose row has just been replaced.
                if operation not in OF_AN_OBJECT | COPYING:
                    raise
        return self._answer(request, operation or "", turn, moto, alone=True)

    def _answer(self, request: LocalRequest, operation: str, turn: Turn, moto: Moto, *, alone: bool) -> LocalResponse:
        """One attempt; `alone`, it is got ready in its turn, where nobody can overtake it."""
        given = NOTHING
        unneeded: list[str] = []

        def work() -> LocalResponse:
            nonlocal given
            if alone:
                given = self._given(request, operation, address)
            return self._carry_out(request, operation, address, given, moto, unneeded)

        try:
            address = S3Address.of(request)
            if len(address.key.encode()) > _LONGEST_KEY:
                raise S3ClientError("KeyTooLongError", "Your key is too long")
            refuse_other_encryption(request.headers, request.body if operation == "PutBucketEncryption" else b"")
            if not alone:
                given = self._given(request, operation, address)
            answer = turn(work)
        except S3ClientError as error:
            return _refusal(error)
        except BaseException as error:
            # What a broken disk holds is known at the next start: until then the file may be needed.
            if given.staged and not isinstance(error, StoreStoppedError):
                given.staged.disown()
            raise
        finally:
            if given.staged and given.staged is not request.staged and not given.staged.adopted:
                self._files.remove(given.staged.stored.name)
        self._remove_files(unneeded)
        return replace(answer, body=b"") if request.method == "HEAD" else answer

    def _given(self, request: LocalRequest, operation: str, address: S3Address) -> Given:
        """What takes long, before the turn."""
        if operation in COPYING:
            with self._store.reading():
                unit = self._unit(is_lasting=False)
                source = self._intake.source(request, unit)
                if source is None:
                    return NOTHING
                copying = self._intake.copied(request, operation, address, unit, source)
            return self._intake.copy(copying)
        if operation in BRINGING_A_BODY:
            with self._store.reading():
                asked = checksums_asked(request, address, self._unit(is_lasting=False))
            return self._intake.received(request, asked, in_a_file=operation in PARTS)
        return NOTHING

    def _carry_out(
        self, request: LocalRequest, operation: str, address: S3Address, given: Given, moto: Moto, unneeded: list[str]
    ) -> LocalResponse:
        """The request in its turn. `unneeded` gets the files that are to be removed when it has ended well."""
        unit = self._unit(is_lasting=self._store.is_writing)
        work = Work(unit, given, self._encryption, self._note)
        try:
            with self._working(work):
                if "uploadId" in address.query:
                    check_upload_is_of_key(address, unit)
                if operation in LISTINGS:
                    self._backend().get_bucket(address.bucket)
                    return LISTINGS[operation](address, unit)
                answer = moto(self._for_moto(request, operation, address, given))
                if answer.status < 300 and operation in OF_AN_OBJECT:
                    return self._with_body(request, address, answer, unit)
                if answer.status < 300 and unit.is_lasting:
                    _check_completed(request, operation, address, unit)
                    unit.flush()
        except S3ClientError as error:
            return _refusal(error)
        if answer.status >= 300:
            return answer
        if given.staged:
            given.staged.adopt()
        unneeded += unit.unneeded_files
        added = tuple(work.headers.items())
        return replace(answer, headers=(*(pair for pair in answer.headers if pair[0] not in work.headers), *added))

    def _for_moto(self, request: LocalRequest, operation: str, address: S3Address, given: Given) -> LocalRequest:
        """The request as moto is to see it."""
        if operation not in OF_AN_OBJECT:
            return _without_body(request, operation, given)
        bucket = self._backend().buckets.get(address.bucket)
        if "versionId" in address.query and bucket is not None and not bucket.is_versioned:
            # moto tells the head of a version only while versioning is enabled.
            request = replace(request, method="GET")
        return without_range(request)

    def _with_body(self, request: LocalRequest, address: S3Address, answer: LocalResponse, unit: Unit) -> LocalResponse:
        version_id = address.query.get("versionId")
        version = self._backend().get_object(address.bucket, address.key, version_id=version_id)
        assert isinstance(version, StoredKey)
        return with_body(request, address, answer, version, unit)

    def _unit(self, *, is_lasting: bool) -> Unit:
        assert self._rows is not None, "attach() comes first"
        return Unit(self._store, self._rows, self._bodies, is_lasting=is_lasting)

    @contextmanager
    def _working(self, work: Work) -> Iterator[None]:
        outer = getattr(self._mine, "work", None)
        self._mine.work = work
        try:
            yield
        finally:
            self._mine.work = outer

    def _current_work(self) -> Work:
        """The request that the thread answers; one that sees everything when it is not a request to S3."""
        work: Work | None = getattr(self._mine, "work", None)
        if work is None:
            unit = self._unit(is_lasting=False)
            unit.unneeded_files = self._unneeded
            work = Work(unit, NOTHING, self._encryption, self._note)
        return work

    def _remove_files(self, names: list[str]) -> None:
        """Remove these files, unless a row needs them all the same."""
        with self._removing:
            self._unneeded += names
            if not self._unneeded or self._store.is_writing:  # the turn that this one is part of may yet be taken back
                return
            names = self._unneeded[:]
            self._unneeded.clear()
        with self._store.reading() as connection:
            is_needed = "SELECT 1 FROM body_file WHERE name = ?"
            unneeded = [name for name in names if connection.execute(is_needed, (name,)).fetchone() is None]
        for name in unneeded:
            self._files.remove(name)


def _without_body(request: LocalRequest, operation: str, given: Given) -> LocalRequest:
    """The request without the body that it brings, and without what moto would do to that."""
    headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_TRANSFER}
    if operation == "CopyObject":
        headers.pop("x-amz-checksum-algorithm", None)
    if operation not in BRINGING_A_BODY:
        return replace(request, headers=headers)
    assert given.body is not None
    for name, value in given.body.checksums.items():
        headers.setdefault(_ALGORITHM, name.rpartition("-")[2].upper())
        headers[name] = value
    return replace(request, headers=headers, body=b"", staged=None)


def _check_completed(request: LocalRequest, operation: str, address: S3Address, unit: Unit) -> None:
    """The checksum that a client expects of an upload it completes. Raises S3ClientError."""
    if operation != "CompleteMultipartUpload":
        return
    completed = unit.key(address.bucket, address.key).newest()
    if not isinstance(completed, StoredKey) or not completed.checksum_algorithm:
        return
    expected = request.headers.get(checksum_header(completed.checksum_algorithm))
    if expected is not None and expected.partition("-")[0] != completed.checksum_value:
        message = f"The {completed.checksum_algorithm} you specified did not match the calculated checksum."
        raise S3ClientError("BadDigest", message)


def _refusal(error: S3ClientError) -> LocalResponse:
    return error_response("s3", _STATUS.get(error.code, 400), error.code, error.message)
