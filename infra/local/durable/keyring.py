"""The master key of a data folder, and the keys that it protects.

The master key is a file of its own, so that it can live outside the folder (on a stick, in a secret store's mount).
Everything else is encrypted under data keys, which are stored in the folder wrapped by the master key: changing the
master key rewraps them and touches nothing else. All encryption is AES-256-GCM.
"""

import os
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.local.durable.errors import DamagedError, StoreError
from infra.local.platform_calls import write_private_file

MASTER_KEY_FILE = "master.key"
KEY_BYTES = 32
ROWS = "rows"  # the purposes of the data keys
OBJECTS = "objects"

_NONCE_BYTES = 12


class Sealer:
    """Seals short values under one key: encrypted, and bound to the place where they belong."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, value: bytes, place: bytes) -> bytes:
        """The value encrypted under a fresh nonce; it opens only with the same `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """The value again. Raises DamagedError for one that was changed, or sealed for another place or key."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            raise DamagedError("a stored value is damaged; run `chorale doctor`") from None


class MasterKey:
    """The key that wraps all others. `path` is where it was read from."""

    def __init__(self, key: bytes, path: Path) -> None:
        self.path = path
        self._sealer = Sealer(key)

    @classmethod
    def load(cls, path: Path) -> "MasterKey":
        """The key in a file. Raises StoreError when there is none."""
        try:
            key = b64decode(path.read_bytes().strip(), validate=True)
        except FileNotFoundError:
            raise StoreError(f"the master key {path} is missing; put it back, or name it with --master-key") from None
        except Base64Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise StoreError(f"{path} is no master key: it must hold {KEY_BYTES} bytes in base64")
        return cls(key, path)

    @classmethod
    def create(cls, path: Path) -> "MasterKey":
        """A new random key, on the disk before it is returned. Raises StoreError rather than replace a file."""
        if path.exists():
            raise StoreError(f"{path} already exists")
        key = secrets.token_bytes(KEY_BYTES)
        write_private_file(path, b64encode(key) + b"\n")
        return cls(key, path)

    def wrap(self, key: bytes, purpose: str) -> bytes:
        """The data key, sealed for its purpose."""
        return self._sealer.seal(key, b"chorale data key " + purpose.encode())

    def unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        """The data key again. Raises StoreError when it was wrapped by another master key."""
        try:
            return self._sealer.open(wrapped, b"chorale data key " + purpose.encode())
        except DamagedError:
            raise StoreError(f"the master key {self.path} does not open this data folder") from None
