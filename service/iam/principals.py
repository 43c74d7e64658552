"""Who calls, and the Principal and NotPrincipal elements that speak of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from service.iam.arns import root_arn


@dataclass(frozen=True)
class Principal:
    """Who makes a request.

    `type` is "root", "user", "role" (`arn` is the session's, `role_arn` the role's), "federated-user" (`role_arn` is
    the ARN of the user behind it, where it is known), "service" (`service` is its name, such as
    `lambda.amazonaws.com`) or "anonymous".
    """

    arn: str
    account: str
    type: str
    user_id: str = ""
    role_arn: str = ""
    is_management_account: bool = False
    service: str = ""
    canonical_user_id: str = ""

    @property
    def has_identity(self) -> bool:
        """Whether policies of an account speak for this principal at all."""
        return self.type not in ("service", "anonymous")


class Named(IntEnum):
    """How closely an element names a principal, from not at all to the session itself."""

    NOT = 0
    ACCOUNT = 1  # its account, which only delegates
    ANYONE = 2  # `*`
    ROLE = 3  # the role, or the user behind a federated session: what is granted passes through the session's limits
    ITSELF = 4  # the user, the session, the service


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """`entries` holds the names by their type (AWS, Service, Federated, CanonicalUser); accounts are root ARNs."""

    entries: Mapping[str, Sequence[str]]
    unless: bool  # NotPrincipal

    @property
    def anyone(self) -> bool:
        return "*" in self.entries.get("AWS", ())

    def names(self, principal: Principal, *, bounded: bool, denies: bool) -> Named:
        """How the element takes in `principal`; `bounded` says whether that has a permissions boundary."""
        if not self.unless:
            return self._closest(principal)
        if self.anyone:
            return Named.NOT
        if denies:
            return Named.ANYONE if bounded or not self._names_all_of(principal) else Named.NOT
        return Named.ANYONE if self._closest(principal) is Named.NOT else Named.NOT

    def _closest(self, principal: Principal) -> Named:
        found = Named.NOT
        aws = self.entries.get("AWS", ())
        if "*" in aws:
            found = Named.ANYONE
        for identity, closeness in _identities(principal):
            if identity in aws and closeness > found:
                found = closeness
        if self._names_otherwise(principal):
            found = Named.ITSELF
        return found

    def _names_otherwise(self, principal: Principal) -> bool:
        return (
            (principal.service != "" and principal.service in self.entries.get("Service", ()))
            or (principal.arn != "" and principal.arn in self.entries.get("Federated", ()))
            or (
                principal.canonical_user_id != ""
                and principal.canonical_user_id in self.entries.get("CanonicalUser", ())
            )
        )

    def _names_all_of(self, principal: Principal) -> bool:
        """Whether a Deny with NotPrincipal spares `principal`.

        Every name it goes by has to be listed: for a user its account and itself, for a session also its role. A list
        of the account alone spares nobody but the root user.
        """
        if self._names_otherwise(principal):
            return True
        aws = self.entries.get("AWS", ())
        by_closeness: dict[Named, bool] = {}
        for identity, closeness in _identities(principal):
            by_closeness[closeness] = by_closeness.get(closeness, False) or identity in aws
        return bool(by_closeness) and all(by_closeness.values())


def _identities(principal: Principal) -> list[tuple[str, Named]]:
    """The names of a principal as a policy may write them."""
    if not principal.has_identity:
        return []
    partition = principal.arn.split(":", 2)[1] if principal.arn.count(":") > 1 else "aws"
    # An account written as its number was read as the root of the usual partition.
    names = [(root_arn(principal.account, each), Named.ACCOUNT) for each in {partition, "aws"}]
    if principal.type == "root":
        return names
    names.append((principal.arn, Named.ITSELF))
    unique_id, _, session = principal.user_id.partition(":")
    if principal.role_arn:
        names.append((principal.role_arn, Named.ROLE))
    if unique_id:
        names.append((unique_id, Named.ROLE if session or principal.role_arn else Named.ITSELF))
    return names
