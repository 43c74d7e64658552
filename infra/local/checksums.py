"""The checksums that S3's clients send along with a body, taken piece by piece, and whether the body has them."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import anycrc

Bytes = bytes | bytearray | memoryview


class ChecksumError(Exception):
    """A body that is not the one its checksum was taken of; `code` is S3's name for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Hash(Protocol):
    """A checksum being taken, as hashlib does it."""

    def update(self, data: Bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc:
    """A cyclic redundancy check, by its name in the catalogue of CRCs."""

    __slots__ = ("_bytes", "_calculate", "_value")

    def __init__(self, name: str, bits: int) -> None:
        self._calculate = anycrc.Model(name).calc
        self._bytes = bits // 8
        self._value = self._calculate(b"")

    def update(self, data: Bytes, /) -> None:
        self._value = self._calculate(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._bytes)


# By the name of the header that tells the checksum.
CHECKSUMS: dict[str, Callable[[], Hash]] = {
    "content-md5": lambda: hashlib.md5(usedforsecurity=False),
    "x-amz-checksum-crc32": lambda: Crc("CRC32", 32),
    "x-amz-checksum-crc32c": lambda: Crc("CRC32C", 32),
    "x-amz-checksum-crc64nvme": lambda: Crc("CRC64-NVME", 64),
    "x-amz-checksum-sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "x-amz-checksum-sha256": hashlib.sha256,
}


class Checksums:
    """Several checksums of one body."""

    def __init__(self, names: Collection[str]) -> None:
        self._hashes = {name: CHECKSUMS[name]() for name in names}

    def update(self, data: Bytes) -> None:
        for taken in self._hashes.values():
            taken.update(data)

    def values(self) -> dict[str, str]:
        """Each in base64, by the name of its header."""
        return {name: base64.b64encode(taken.digest()).decode() for name, taken in self._hashes.items()}

    def check(self, headers: Mapping[str, str]) -> None:
        """Hold what was taken to the checksums in the headers (names in lower case). Raises ChecksumError."""
        for name, taken in self._hashes.items():
            given = headers.get(name)
            if given is None:
                continue
            try:
                expected = base64.b64decode(given, validate=True)
            except binascii.Error:
                raise ChecksumError("InvalidRequest", f"Value for {name} header is invalid.") from None
            if expected != taken.digest():
                label = "Content-MD5" if name == "content-md5" else name.rpartition("-")[2].upper()
                raise ChecksumError("BadDigest", f"The {label} you specified did not match the calculated checksum.")
