"""Temporary credentials that need no storage: the session token carries everything, sealed with the account's key.

A token is AES-256-GCM over a small JSON object (access key id, secret, principal, issue and end); its authenticity is
the proof that we issued it. Whoever holds only the token cannot read the secret out of it.
"""

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from botocore.credentials import RefreshableCredentials
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.local.account import Account, random_key_id, random_secret
from service.caller import Caller, PrincipalType

API_ROLE = "chorale-api"
WORKER_ROLE = "chorale-worker"
# A download link lives for twelve hours at most, and the session that signed it always has that long to go.
SERVICE_SESSION = timedelta(hours=24)
RENEW_BEFORE = timedelta(hours=12)

_VERSION = b"\x01"
_NONCE_BYTES = 12
_MAX_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class SessionCredentials:
    """Temporary credentials and the caller that they make of their holder."""

    caller: Caller
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)

    @property
    def access_key_id(self) -> str:
        return self.caller.access_key_id

    @property
    def expires(self) -> datetime:
        assert self.caller.session_expires is not None
        return self.caller.session_expires


class Sessions:
    """Issues and opens session tokens of one account."""

    def __init__(self, account: Account, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._account = account
        self._cipher = AESGCM(account.sealing_key)
        self._clock = clock
        # Opening costs 15 µs; a session signs thousands of requests with the same token.
        self._open_cached = lru_cache(maxsize=512)(self._open)

    def issue(
        self,
        arn: str,
        user_id: str,
        principal: PrincipalType,
        duration: timedelta,
        session_tags: Mapping[str, str] | None = None,
    ) -> SessionCredentials:
        """Credentials for a principal of this account, good from now for `duration`, counted in whole seconds."""
        issued = self._clock().replace(microsecond=0)
        caller = Caller(
            self._account.id,
            arn,
            user_id,
            principal,
            random_key_id("ASIA"),
            session_issued=issued,
            session_expires=issued + duration,
            session_tags=dict(session_tags or {}),
        )
        secret = random_secret()
        return SessionCredentials(caller, secret, self._seal(caller, secret))

    def issue_for_role(self, role: str, session: str, duration: timedelta) -> SessionCredentials:
        """Credentials of an assumed role, as STS's AssumeRole would give them."""
        arn = f"arn:aws:sts::{self._account.id}:assumed-role/{role}/{session}"
        role_id = "AROA" + secrets.token_hex(8).upper() + "ROLE"
        return self.issue(arn, f"{role_id}:{session}", PrincipalType.ASSUMED_ROLE, duration)

    def open(self, token: str) -> SessionCredentials | None:
        """The credentials whose token this is, also when they have expired; None when we did not issue it."""
        if len(token) > _MAX_TOKEN:
            return None
        return self._open_cached(token)

    def _seal(self, caller: Caller, secret: str) -> str:
        assert caller.session_issued is not None
        assert caller.session_expires is not None
        content = {
            "key": caller.access_key_id,
            "secret": secret,
            "arn": caller.arn,
            "id": caller.user_id,
            "type": caller.type.value,
            "issued": int(caller.session_issued.timestamp()),
            "expires": int(caller.session_expires.timestamp()),
            "tags": caller.session_tags,
        }
        nonce = os.urandom(_NONCE_BYTES)
        plain = json.dumps(content, separators=(",", ":")).encode()
        sealed = self._cipher.encrypt(nonce, plain, self._associated_data())
        return urlsafe_b64encode(_VERSION + nonce + sealed).decode()

    def _open(self, token: str) -> SessionCredentials | None:
        try:
            raw = urlsafe_b64decode(token.encode("ascii"))
            if raw[:1] != _VERSION:
                return None
            nonce, sealed = raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES :]
            content = json.loads(self._cipher.decrypt(nonce, sealed, self._associated_data()))
        except (ValueError, InvalidTag):
            return None
        caller = Caller(
            self._account.id,
            content["arn"],
            content["id"],
            PrincipalType(content["type"]),
            content["key"],
            session_issued=datetime.fromtimestamp(content["issued"], UTC),
            session_expires=datetime.fromtimestamp(content["expires"], UTC),
            session_tags=content["tags"],
        )
        return SessionCredentials(caller, content["secret"], token)

    def _associated_data(self) -> bytes:
        """A token is good in its own account only, should two accounts ever share a key."""
        return f"chorale session {self._account.id}".encode()


def service_credentials(sessions: Sessions) -> RefreshableCredentials:
    """The server's own credentials for botocore, of the API's role, that renew themselves long before they end."""

    def renewed() -> dict[str, Any]:
        issued = sessions.issue_for_role(API_ROLE, "server", SERVICE_SESSION)
        return {
            "access_key": issued.access_key_id,
            "secret_key": issued.secret_access_key,
            "token": issued.session_token,
            "expiry_time": issued.expires.isoformat(),
        }

    return RefreshableCredentials.create_from_metadata(
        renewed(), renewed, "chorale-sessions", advisory_timeout=int(RENEW_BEFORE.total_seconds())
    )
