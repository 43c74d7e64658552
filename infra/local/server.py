"""The server: one account, one port, from an empty folder to the readiness line and back to a clean exit.

Two listeners carry the same application. The public one is what users reach, with TLS where it is asked for; the
other is plain HTTP on a loopback port, for our own workers: it stays open while they finish after the public one
has closed.
"""

import gc
import ipaddress
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.local.access_log import logged_requests
from infra.local.account import Account, AccountError, SavedAccount
from infra.local.authentication import Authenticator
from infra.local.authorization import Authorizer, service_grants
from infra.local.cloud import CloudOptions, LocalCloud
from infra.local.durable.errors import StoreError
from infra.local.durable.folder import DataFolder
from infra.local.durable.s3.bodies import Bodies
from infra.local.environment import Running
from infra.local.gateway import Gateway
from infra.local.hosts import HostNames
from infra.local.listeners import Listeners, run
from infra.local.platform_calls import FolderInUseError, FolderLock, make_private_folder
from infra.local.tls import TlsError, TlsFiles, owners_files, self_signed

DEFAULT_PORT = 4242

_BACKLOG = 2048


class ServeError(Exception):
    """The server cannot start; the message is one sentence for its owner."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve.

    `master_key` is the path of the key that everything in the data folder is encrypted under, where it is not in the
    folder. `tls` is the paths of a certificate and its key (PEM), or `self` for one of our own making; `port` 0 picks
    a free one; `prewarm` starts a compose worker at once.
    """

    data: Path
    master_key: Path | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tls: tuple[Path, Path] | Literal["self"] | None = None
    allowed_hosts: tuple[str, ...] = ()
    workers: int | None = None
    prewarm: bool = True
    sound_font: Path | None = None


def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs. Raises ServeError when the server cannot start."""
    try:
        host_names = HostNames((*options.allowed_hosts, *_own_name(options.host)))
        make_private_folder(options.data)
        tls = _tls_files(options)
        with FolderLock(options.data), _listener(options.host, options.port) as public:
            folder = DataFolder.open(options.data, options.master_key)
            try:
                with _listener("127.0.0.1", 0) as internal, logged_requests(options.data):
                    _serve_account(options, folder, host_names, tls, public, internal)
            finally:
                folder.close()
    except (FolderInUseError, AccountError, StoreError, TlsError, ValueError) as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        raise ServeError(f"{error.filename or options.data}: {error.strerror or error}") from error


def gateway_for(
    cloud: LocalCloud, bodies: Bodies, host_names: HostNames, current: Callable[[], Account] | None = None
) -> Gateway:
    """The gateway in front of an account and everything in it; `current` tells the account's root key as it is now."""
    settings = cloud.settings
    host = cloud.host
    return Gateway(
        cloud.account,
        Authenticator(cloud.account, cloud.sessions, host.find_iam_access_key, host.is_iam_user, current=current),
        Authorizer(service_grants(cloud.account, settings.table, settings.music_bucket)),
        cloud.sessions,
        host,
        cloud.app,
        host_names,
        bodies,
    )


def _serve_account(
    options: ServeOptions,
    folder: DataFolder,
    host_names: HostNames,
    tls: TlsFiles | None,
    public: socket.socket,
    internal: socket.socket,
) -> None:
    endpoint = _endpoint("https" if tls else "http", _public_name(options), public)
    cloud = LocalCloud(
        folder,
        CloudOptions(
            public_endpoint=endpoint,
            worker_endpoint=_endpoint("http", "127.0.0.1", internal),
            workers=options.workers,
            prewarm=options.prewarm,
            sound_font=str(options.sound_font.absolute()) if options.sound_font else None,
        ),
    )
    gateway = gateway_for(cloud, folder.bodies, host_names, SavedAccount(options.data, folder.account))
    running = Running(os.getpid(), endpoint, str(tls.ca_bundle) if tls and tls.ca_bundle else None)

    def announce() -> None:
        cloud.start()
        # What is loaded by now stays for ever: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        running.write(options.data)
        print(f"Chorale is ready at {endpoint}", flush=True)

    try:
        run(Listeners(gateway, public, internal, tls, on_ready=announce, before_end=cloud.close))
    finally:
        Running.remove(options.data)
        gateway.close()


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ServeError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error


def _tls_files(options: ServeOptions) -> TlsFiles | None:
    if options.tls is None:
        if not _is_loopback(options.host):
            raise ServeError(f"{options.host} can be reached from other machines, and that needs --tls")
        return None
    if options.tls == "self":
        return self_signed(options.data / "tls", (*options.allowed_hosts, *_own_name(options.host)))
    return owners_files(*options.tls)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _is_wildcard(host: str) -> bool:
    return host in ("0.0.0.0", "::", "[::]")


def _own_name(host: str) -> tuple[str, ...]:
    """The name by which clients speak to the address listened on; none for all addresses at once."""
    if _is_wildcard(host):
        return ()
    return (f"[{host}]" if ":" in host and not host.startswith("[") else host,)


def _public_name(options: ServeOptions) -> str:
    """The host name in links: the address listened on, or for all addresses the first name that the owner gave."""
    if _is_wildcard(options.host):
        return options.allowed_hosts[0] if options.allowed_hosts else "localhost"
    return _own_name(options.host)[0]


def _endpoint(scheme: str, name: str, listener: socket.socket) -> str:
    return f"{scheme}://{name}:{listener.getsockname()[1]}"
