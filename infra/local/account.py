"""The local AWS account: who its root is, kept in one private file of the data directory."""

import json
import logging
import os
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.local.platform_calls import make_private_folder, write_private_file
from service.caller import Caller, PrincipalType

log = logging.getLogger(__name__)

ACCOUNT_FILE = "account.json"
DEFAULT_ACCOUNT_ID = "123456789012"
DEFAULT_REGION = "us-east-1"

_KEY_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FORMS = {
    "accountId": re.compile(r"[0-9]{12}"),
    "region": re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]"),
    "accessKeyId": re.compile(r"AKIA[A-Z2-7]{16}"),
    "secretAccessKey": re.compile(r"[A-Za-z0-9+/]{40}"),
    "sealingKey": re.compile(r"[A-Za-z0-9+/]{43}="),
}


class AccountError(Exception):
    """The account's file cannot be used."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its root access key. `sealing_key` (32 bytes) seals session tokens, in the server only."""

    id: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    sealing_key: bytes = field(repr=False)

    @property
    def root(self) -> Caller:
        """The account's root user, signing with its access key."""
        arn = f"arn:aws:iam::{self.id}:root"
        return Caller(self.id, arn, self.id, PrincipalType.ROOT, self.access_key_id)

    @classmethod
    def create(cls, data: Path, *, account_id: str = DEFAULT_ACCOUNT_ID, region: str = DEFAULT_REGION) -> "Account":
        """A new account with random keys, written into the data directory before it is returned.

        Raises AccountError for an impossible account id or region, and when the directory already has an account.
        """
        account = cls(
            account_id,
            region,
            random_key_id("AKIA"),
            random_secret(),
            secrets.token_bytes(32),
        )
        _check(account._members(), "the new account")
        make_private_folder(data)
        path = data / ACCOUNT_FILE
        if path.exists():
            raise AccountError(f"{path} already exists")
        account.save(data)
        return account

    @classmethod
    def load(cls, data: Path) -> "Account":
        """The account of the data directory. Raises AccountError when there is none or its file is damaged."""
        path = data / ACCOUNT_FILE
        try:
            members = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise AccountError(f"{data} holds no account; `chorale serve` makes one") from None
        except ValueError:
            raise AccountError(f"{path} is damaged: it is not JSON; restore it or start with an empty folder") from None
        _check(members, str(path))
        return cls(
            members["accountId"],
            members["region"],
            members["accessKeyId"],
            members["secretAccessKey"],
            b64decode(members["sealingKey"]),
        )

    @classmethod
    def load_or_create(
        cls, data: Path, *, account_id: str = DEFAULT_ACCOUNT_ID, region: str = DEFAULT_REGION
    ) -> "Account":
        """The account of the data directory, made at the first call. A damaged file is an AccountError, no new key."""
        if (data / ACCOUNT_FILE).exists():
            return cls.load(data)
        return cls.create(data, account_id=account_id, region=region)

    def save(self, data: Path) -> None:
        """Put the account into the data directory, in place of what was there; on the disk when this returns."""
        write_private_file(data / ACCOUNT_FILE, json.dumps(self._members(), indent=2).encode() + b"\n")

    def with_new_root_key(self) -> "Account":
        """The same account with another root access key, which is not saved yet."""
        return replace(self, access_key_id=random_key_id("AKIA"), secret_access_key=random_secret())

    def with_new_sealing_key(self) -> "Account":
        """The same account, of which no session token that was issued before can be opened; not saved yet."""
        return replace(self, sealing_key=secrets.token_bytes(32))

    def _members(self) -> dict[str, str]:
        return {
            "accountId": self.id,
            "region": self.region,
            "accessKeyId": self.access_key_id,
            "secretAccessKey": self.secret_access_key,
            "sealingKey": b64encode(self.sealing_key).decode(),
        }


class SavedAccount:
    """The account as its file has it now: `chorale rotate root` replaces the file while a server runs."""

    def __init__(self, data: Path, account: Account) -> None:
        self._data = data
        self._file = str(data / ACCOUNT_FILE)
        self._account = account
        self._seen = (0, 0)

    def __call__(self) -> Account:
        """The account, which stays as it is while its file cannot be used. Asked for each request: takes a few µs."""
        try:
            found = os.stat(self._file)
        except OSError:
            return self._account
        version = (found.st_ino, found.st_mtime_ns)
        if version != self._seen:
            self._seen = version
            try:
                self._account = self._successor(Account.load(self._data))
            except (AccountError, OSError) as error:
                log.error("the root access key stays as it was: %s", error)
        return self._account

    def _successor(self, account: Account) -> Account:
        if (account.id, account.region) != (self._account.id, self._account.region):
            raise AccountError(f"{self._file} is of another account; restart the server")
        return account


def random_key_id(prefix: str) -> str:
    """An access key id of 20 characters: `prefix` is AKIA for a long-term key, ASIA for a temporary one."""
    return prefix + "".join(secrets.choice(_KEY_ID_ALPHABET) for _ in range(20 - len(prefix)))


def random_secret() -> str:
    """A secret access key: 40 characters of which each carries six random bits."""
    return "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))


def _check(members: object, origin: str) -> None:
    if not isinstance(members, dict):
        raise AccountError(f"{origin} is damaged: it is not a JSON object; restore it or start with an empty folder")
    for name, form in _FORMS.items():
        value = members.get(name)
        if not isinstance(value, str) or form.fullmatch(value) is None:
            raise AccountError(f"{origin} has no valid {name}; restore it or start with an empty folder")
