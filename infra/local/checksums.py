"""The checksums that S3's clients send along with a body, and whether the body has them."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache


class ChecksumError(Exception):
    """A body that is not the one its checksum was taken of; `code` is S3's name for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_body(headers: Mapping[str, str], body: bytes) -> None:
    """Hold the body to every checksum in the headers (names in lower case). Raises ChecksumError."""
    for name, digest in CHECKSUMS.items():
        given = headers.get(name)
        if given is None:
            continue
        try:
            expected = base64.b64decode(given, validate=True)
        except binascii.Error:
            raise ChecksumError("InvalidRequest", f"Value for {name} header is invalid.") from None
        if expected != digest(body):
            label = "Content-MD5" if name == "content-md5" else name.rpartition("-")[2].upper()
            raise ChecksumError("BadDigest", f"The {label} you specified did not match the calculated checksum.")


def crc32(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4)


def crc32c(body: bytes) -> bytes:
    """CRC-32C (Castagnoli), reflected polynomial 0x82F63B78."""
    return _reflected_crc(body, _table(0x82F63B78), 0xFFFFFFFF).to_bytes(4)


def crc64nvme(body: bytes) -> bytes:
    """CRC-64/NVME, reflected polynomial 0x9A6C9329AC4BC9B5."""
    return _reflected_crc(body, _table(0x9A6C9329AC4BC9B5), 0xFFFFFFFFFFFFFFFF).to_bytes(8)


@lru_cache
def _table(polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (polynomial if remainder & 1 else 0)
        table.append(remainder)
    return tuple(table)


def _reflected_crc(body: bytes, table: tuple[int, ...], ones: int) -> int:
    remainder = ones
    for byte in body:
        remainder = remainder >> 8 ^ table[(remainder ^ byte) & 0xFF]
    return remainder ^ ones


CHECKSUMS: dict[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": crc32,
    "x-amz-checksum-crc32c": crc32c,
    "x-amz-checksum-crc64nvme": crc64nvme,
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}
