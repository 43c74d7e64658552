"""Who is calling. Authentication makes a Caller; everything after it only reads one."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class PrincipalType(StrEnum):
    """The kinds of principal, with the values IAM gives aws:PrincipalType."""

    ROOT = "Account"
    USER = "User"
    ASSUMED_ROLE = "AssumedRole"
    FEDERATED_USER = "FederatedUser"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated principal.

    `arn` is the principal's own ARN (for a role session, the `arn:aws:sts::…:assumed-role/ROLE/SESSION` one),
    `user_id` is aws:userid, `session_expires` is when temporary credentials end (None for long-term ones).
    """

    account: str
    arn: str
    user_id: str
    type: PrincipalType
    access_key_id: str
    session_issued: datetime | None = None
    session_expires: datetime | None = None
    session_tags: dict[str, str] = field(default_factory=dict)

    @property
    def is_root(self) -> bool:
        return self.type is PrincipalType.ROOT
