"""The file that `chorale backup` writes: a plain tar with the data folder's lasting parts.

    manifest.json    first: the name, size and SHA-256 of everything that follows, in order
    state.db         the database
    bodies/NAME      the encrypted bodies of large objects
    master.key       only when the key lies in the folder
    account.json     last: nothing without it is a data folder, so a restoring that was cut has made none

The manifest comes first, so that a reader knows what it will be given before it writes a byte; the price is that what
it describes is read once more when the archive is made. Nothing is compressed: what is encrypted does not become
smaller. The reader takes plain files with the names above and nothing else that a tar may hold.
"""

import hashlib
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from infra.local.account import ACCOUNT_FILE
from infra.local.durable.errors import NewerFormatError, StoreError
from infra.local.durable.keyring import MASTER_KEY_FILE
from infra.local.durable.store import DATABASE_FILE

ARCHIVE_FORMAT = 1
MANIFEST_FILE = "manifest.json"
MOST_FILES = 1_000_000

_MOST_MANIFEST_BYTES = 192 * 2**20
_NAMES = re.compile(rf"{DATABASE_FILE}|bodies/[0-9a-f]{{32}}|{re.escape(MASTER_KEY_FILE)}|{re.escape(ACCOUNT_FILE)}")
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 2**20
_FORMS: Mapping[str, tuple[type, re.Pattern[str]]] = {
    "format": (int, re.compile(r"[0-9]{1,9}")),
    "chorale": (str, re.compile(r"[0-9A-Za-z.+-]{1,64}")),
    "created": (str, re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")),
    "account": (str, re.compile(r"[0-9]{12}")),
}
_FILE_FORMS: Mapping[str, tuple[type, re.Pattern[str]]] = {
    "name": (str, _NAMES),
    "size": (int, re.compile(r"[0-9]{1,15}")),
    "sha256": (str, re.compile(r"[0-9a-f]{64}")),
}
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.GNUTYPE_LONGNAME: "a long name",
    tarfile.GNUTYPE_LONGLINK: "a long link",
    tarfile.XHDTYPE: "an extended header",
    tarfile.XGLTYPE: "an extended header",
    tarfile.SOLARIS_XHDTYPE: "an extended header",
}


class ArchiveError(StoreError):
    """The file is no backup that can be restored; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file in the archive: `size` in bytes, `sha256` in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds. `chorale` is the version that made it, `created` the time (UTC), `account` the id."""

    chorale: str
    created: str
    account: str
    files: tuple[ArchivedFile, ...]
    format: int = ARCHIVE_FORMAT

    @property
    def total_size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def holds_master_key(self) -> bool:
        return any(file.name == MASTER_KEY_FILE for file in self.files)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """Raises ArchiveError naming the member that is not as it must be, NewerFormatError for a later format."""
        try:
            members = json.loads(content)
        except (ValueError, RecursionError):
            raise ArchiveError(f"its {MANIFEST_FILE} is not JSON") from None
        _check_form(members, _FORMS, MANIFEST_FILE)
        if members["format"] > ARCHIVE_FORMAT:
            raise NewerFormatError(
                f"it was made by a later version of Chorale ({members['chorale']}, format {members['format']}; this "
                f"one reads up to {ARCHIVE_FORMAT}); update Chorale"
            )
        listed = members.get("files")
        if not isinstance(listed, list) or len(listed) > MOST_FILES:
            raise ArchiveError(f"files in its {MANIFEST_FILE} must be a list of at most {MOST_FILES:,}")
        for number, file in enumerate(listed):
            _check_form(file, _FILE_FORMS, f"{MANIFEST_FILE} (files[{number}])")
        files = tuple(ArchivedFile(file["name"], file["size"], file["sha256"]) for file in listed)
        _check_names([file.name for file in files])
        return cls(members["chorale"], members["created"], members["account"], files, members["format"])


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be archived under a name."""

    name: str
    path: Path

    def described(self) -> ArchivedFile:
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return ArchivedFile(self.name, file.tell(), digest.hexdigest())


def write_archive(file: BinaryIO, manifest: Manifest, sources: Sequence[Source]) -> None:
    """The whole archive. Raises ArchiveError when a source is no longer what the manifest says."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        content = manifest.to_json()
        tar.addfile(_info(MANIFEST_FILE, len(content)), BytesIO(content))
        for source, described in zip(sources, manifest.files, strict=True):
            with source.path.open("rb") as content_file:
                reader = _Digesting(content_file)
                try:
                    tar.addfile(_info(source.name, described.size), reader)
                except OSError as error:
                    if error.errno is not None:
                        raise
                    raise ArchiveError(f"{source.path} became shorter while it was copied") from None
            if reader.digest.hexdigest() != described.sha256:
                raise ArchiveError(f"{source.path} changed while it was copied")


class ArchiveReader:
    """An archive read from front to back. Every error is an ArchiveError that says what is wrong."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the manifest."""
        self._file = file
        first = self._next_header()
        if first is None or first.name != MANIFEST_FILE:
            raise ArchiveError(f"it is no backup of Chorale: it does not begin with {MANIFEST_FILE}")
        if first.size > _MOST_MANIFEST_BYTES:
            raise ArchiveError(f"its {MANIFEST_FILE} is too large: {first.size:,} bytes")
        self.manifest = Manifest.from_json(b"".join(self._content(first)))

    def files(self) -> Iterator[tuple[ArchivedFile, Iterator[bytes]]]:
        """Each file with its content, which must be read to its end before the next is asked for."""
        seen = {MANIFEST_FILE}
        for expected in self.manifest.files:
            header = self._next_header()
            if header is None:
                raise ArchiveError(f"it ends before {expected.name}")
            self._check_header(header, expected, seen)
            seen.add(header.name)
            yield expected, self._checked(header, expected)
        if self._next_header() is not None:
            raise ArchiveError(f"it holds more than its {MANIFEST_FILE} lists")
        while rest := self._file.read(_CHUNK):
            if any(rest):
                raise ArchiveError("something follows behind its end")

    def _check_header(self, header: tarfile.TarInfo, expected: ArchivedFile, seen: set[str]) -> None:
        if header.name in seen:
            raise ArchiveError(f"it holds {header.name} twice")
        if header.name != expected.name:
            raise ArchiveError(f"it holds {header.name} where its {MANIFEST_FILE} lists {expected.name}")
        if header.size != expected.size:
            raise ArchiveError(
                f"{header.name} in it has {header.size:,} bytes, and its {MANIFEST_FILE} says {expected.size:,}"
            )

    def _checked(self, header: tarfile.TarInfo, expected: ArchivedFile) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for chunk in self._content(header):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != expected.sha256:
            raise ArchiveError(f"{expected.name} in it is damaged: its SHA-256 is not the one in {MANIFEST_FILE}")

    def _next_header(self) -> tarfile.TarInfo | None:
        """The header of the next file; None at the end."""
        block = self._file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise ArchiveError("it is cut off")
        if not any(block):
            return None
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError):
            raise ArchiveError("it is damaged, or no backup of Chorale: a header in it is not one of a tar") from None
        shown = ascii(header.name)
        if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise ArchiveError(f"{shown} in it is {_KINDS.get(header.type, 'of an unknown kind')}, and no plain file")
        if header.name != MANIFEST_FILE and _NAMES.fullmatch(header.name) is None:
            raise ArchiveError(f"{shown} in it is not the name of a file in a backup")
        if header.size < 0:
            raise ArchiveError(f"{shown} in it has a size below zero")
        return header

    def _content(self, header: tarfile.TarInfo) -> Iterator[bytes]:
        left = header.size
        while left:
            chunk = self._file.read(min(left, _CHUNK))
            if not chunk:
                raise ArchiveError(f"it is cut off in {header.name}")
            left -= len(chunk)
            yield chunk
        padding = -header.size % _BLOCK
        if len(self._file.read(padding)) != padding:
            raise ArchiveError(f"it is cut off behind {header.name}")


class _Digesting:
    """A file whose content is digested as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info


def _check_form(members: Any, forms: Mapping[str, tuple[type, re.Pattern[str]]], where: str) -> None:
    if not isinstance(members, dict):
        raise ArchiveError(f"its {where} is not a JSON object")
    for name, (kind, form) in forms.items():
        value = members.get(name)
        if type(value) is not kind or form.fullmatch(str(value)) is None:
            raise ArchiveError(f"its {where} has no valid {name}")


def _check_names(names: Sequence[str]) -> None:
    most_common = Counter(names).most_common(1)
    if most_common and most_common[0][1] > 1:
        raise ArchiveError(f"its {MANIFEST_FILE} lists {most_common[0][0]} twice")
    for needed in (DATABASE_FILE, ACCOUNT_FILE):
        if needed not in names:
            raise ArchiveError(f"its {MANIFEST_FILE} lists no {needed}")
    if names[-1] != ACCOUNT_FILE:
        raise ArchiveError(f"its {MANIFEST_FILE} must list {ACCOUNT_FILE} last")
