"""Which Host headers are answered. Others are refused, so that no web page reaches the server by rebinding a name."""

import re
from collections.abc import Iterable

_RETIRED_SERVICE = re.compile(r"deepcomposer\.[a-z]{2}(-[a-z]+)+-[0-9]\.amazonaws\.com")
_LOOPBACK_ADDRESS = re.compile(r"127(\.[0-9]{1,3}){3}")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?P<port>:[0-9]{1,5})?", re.IGNORECASE)
_LOCAL_BUCKET = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]*?)(\.s3)?\.localhost")


class HostNames:
    """The names of this server: loopback, what the owner names, and the retired service's own."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        """`named` are host names or addresses without a port. Raises ValueError for anything else."""
        names = {name.lower().rstrip(".") for name in named}
        for name in names:
            match = _HOST.fullmatch(name)
            if match is None or match["port"]:
                raise ValueError(f"{name!r} is no host name; give the name alone, without scheme or port")
        self._names = frozenset(names | {"localhost", "[::1]"})

    def allows(self, host: str | None) -> bool:
        """Whether a request with this Host header is for us."""
        name = host_name(host)
        if name is None:
            return False
        return (
            name in self._names
            or name.endswith(".localhost")
            or _LOOPBACK_ADDRESS.fullmatch(name) is not None
            or _RETIRED_SERVICE.fullmatch(name) is not None
        )


def host_name(host: str | None) -> str | None:
    """The name in a Host header, in lower case and without its port; None when the header is missing or malformed."""
    match = _HOST.fullmatch(host) if host else None
    return match["name"].lower().rstrip(".") if match else None


def bucket_of(host: str | None) -> str | None:
    """The bucket that a virtual-hosted S3 request names: BUCKET.localhost or BUCKET.s3.localhost."""
    match = _LOCAL_BUCKET.fullmatch(host_name(host) or "")
    return match["bucket"] if match and match["bucket"] != "s3" else None
