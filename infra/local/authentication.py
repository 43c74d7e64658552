"""Who signed a request: the account's root, the holder of a session we issued, or an IAM user."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from infra.local.account import Account
from infra.local.sessions import Sessions
from service.caller import Caller, PrincipalType
from service.sigv4 import Claim, Reason, SecretKey, SignatureError, SignedRequest, Verified, verify_claim

# Services with one endpoint for the whole world are signed for this region.
_GLOBAL_SERVICES = frozenset({"iam", "sts"})
_GLOBAL_REGION = "us-east-1"


class IamKey(Protocol):
    """An IAM user's access key."""

    @property
    def secret_access_key(self) -> str: ...
    @property
    def user_arn(self) -> str: ...
    @property
    def user_id(self) -> str: ...


FindIamAccessKey = Callable[[str], IamKey | None]
IsIamUser = Callable[[str], bool]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Authenticator:
    """Proves signatures against the keys of one account."""

    def __init__(
        self,
        account: Account,
        sessions: Sessions,
        find_iam_access_key: FindIamAccessKey,
        is_iam_user: IsIamUser,
        clock: Callable[[], datetime] = utc_now,
        current: Callable[[], Account] | None = None,
    ) -> None:
        """`current` tells the account as it is now, where its root access key may change meanwhile."""
        self._account = account
        self._sessions = sessions
        self._find_iam_access_key = find_iam_access_key
        self._is_iam_user = is_iam_user
        self._clock = clock
        self._current = current or (lambda: account)
        self._root = (account, _root_key(account))

    def authenticate(self, claim: Claim, request: SignedRequest) -> tuple[Caller, Verified]:
        """The caller that the claim proves, and the proof. Waits for nobody. Raises SignatureError."""
        self._check_region(claim)
        verified = verify_claim(claim, request, self.find_key, self._clock())
        return verified.key.principal, verified

    def find_key(self, access_key_id: str, session_token: str | None) -> SecretKey | None:
        """The secret behind an access key, its principal a Caller; None when no such key may sign."""
        root = self._root_key()
        if access_key_id == root.access_key_id:
            return root
        if session_token is not None:
            return self._session_key(access_key_id, session_token)
        iam_key = self._find_iam_access_key(access_key_id)
        if iam_key is None:
            return None
        caller = Caller(self._account.id, iam_key.user_arn, iam_key.user_id, PrincipalType.USER, access_key_id)
        return SecretKey(access_key_id, iam_key.secret_access_key, principal=caller)

    def _session_key(self, access_key_id: str, session_token: str) -> SecretKey | None:
        session = self._sessions.open(session_token)
        if session is None or session.access_key_id != access_key_id:
            return None
        if session.caller.type is PrincipalType.USER and not self._is_iam_user(session.caller.user_id):
            return None  # the user was deleted since
        return SecretKey(
            access_key_id,
            session.secret_access_key,
            session_token=session_token,
            expires=session.expires,
            principal=session.caller,
        )

    def _root_key(self) -> SecretKey:
        account = self._current()
        known, key = self._root
        if account is not known:
            key = _root_key(account)
            self._root = (account, key)
        return key

    def _check_region(self, claim: Claim) -> None:
        expected = self._account.region
        if claim.region == expected or (claim.service in _GLOBAL_SERVICES and claim.region == _GLOBAL_REGION):
            return
        raise SignatureError(
            Reason.WRONG_SCOPE,
            f"The local AWS has one region; '{claim.region}' is wrong; expecting '{expected}'",
            Region=expected,
        )


def _root_key(account: Account) -> SecretKey:
    return SecretKey(account.access_key_id, account.secret_access_key, principal=account.root)
