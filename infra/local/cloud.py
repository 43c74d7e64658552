"""The local AWS, put together: the account's services, the functions, and DeepComposer's API upon them."""

import logging
import os
import threading
from dataclasses import dataclass
from functools import partial

import handlers.compose
import handlers.render
from infra.local.deployment import deploy_storage
from infra.local.dispatch import Dispatch
from infra.local.durable.folder import DataFolder
from infra.local.function_logs import FunctionLogs
from infra.local.functions import FunctionHost, Limits
from infra.local.invocations import Function
from infra.local.kms_keys import UsableKeys
from infra.local.log_filters import LogFilters
from infra.local.moto_host import MotoHost
from infra.local.platform_calls import usable_processors
from infra.local.sessions import SERVICE_SESSION, WORKER_ROLE, Sessions, service_credentials
from infra.local.stacks import Stacks
from service.api.app import create_app
from service.bootstrap import Settings, build

log = logging.getLogger(__name__)

COMPOSE_FUNCTION = "chorale-compose"
RENDER_FUNCTION = "chorale-render"
_FUNCTION_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """How the local AWS is reached, and how much of the machine it may use.

    `public_endpoint` is the base of download links; `worker_endpoint` is where worker processes on this machine reach
    it, by plain HTTP on the loopback. `prewarm` starts a compose worker at once: the first composition is then quick.
    """

    public_endpoint: str
    worker_endpoint: str
    workers: int | None = None  # None: as many as there are processors
    prewarm: bool = False
    sound_font: str | None = None  # the path of one to render with; None: the best one found


class LocalCloud:
    """One account with everything in it, in this process.

    `app` is DeepComposer's API, an ASGI application; `session` makes boto3 clients of the service itself.
    """

    def __init__(self, folder: DataFolder, options: CloudOptions) -> None:
        """Begin with what the folder holds; whoever opened it closes it after the cloud. Raises StoreError."""
        self.account = account = folder.account
        self.options = options
        self.sessions = Sessions(account)

        # The services that moto plays, and the way to them.
        self.host = MotoHost(folder)
        dispatch = Dispatch(self.host)
        self.session = dispatch.session(service_credentials(self.sessions))
        self.host.put_in_front("cloudformation", Stacks(self.session).handle)
        self.host.put_in_front("kms", UsableKeys(account.id).handle)
        self.host.put_in_front("logs", LogFilters(account.id).handle)
        storage = deploy_storage(self.session, account.id, account.region)

        # DeepComposer upon them.
        self.settings = Settings(
            region=account.region,
            account=account.id,
            table=storage.table,
            music_bucket=storage.music_bucket,
            compose_function=COMPOSE_FUNCTION,
            render_function=RENDER_FUNCTION,
            public_endpoint=options.public_endpoint,
            sound_font=options.sound_font,
        )
        self.services = build(self.settings, self.session)
        self.app = create_app(self.services)

        # The functions, which act on it and on the services from other processes.
        processors = usable_processors()
        self._workers = options.workers or processors
        self._threads_per_worker = max(1, processors // self._workers)
        self.functions = FunctionHost(
            [
                Function(
                    COMPOSE_FUNCTION,
                    "handlers.compose:handler",
                    _FUNCTION_SECONDS,
                    preload=("service.compose",),
                    on_failure=partial(handlers.compose.on_failure, services=self.services),
                ),
                Function(
                    RENDER_FUNCTION,
                    "handlers.render:handler",
                    _FUNCTION_SECONDS,
                    preload=("service.music.synth", "tinysoundfont", "lameenc"),
                    on_failure=partial(handlers.render.on_failure, services=self.services),
                ),
            ],
            account=account.id,
            region=account.region,
            environment=self.worker_environment,
            log_sink=FunctionLogs(self.session),
            limits=Limits(slots=self._workers),
        )
        dispatch.add("lambda", self.functions.handle)

    def start(self) -> None:
        """Begin to run functions, and finish in the background what an earlier stop left half done."""
        self.functions.start()
        if self.options.prewarm:
            self.functions.prewarm(COMPOSE_FUNCTION)
        threading.Thread(target=self._sweep, name="sweep", daemon=True).start()

    def close(self) -> None:
        """Let the functions that run finish, within bounds, then end the hosting of the account."""
        self.functions.close()
        self.host.close()

    def _sweep(self) -> None:
        try:
            log.info("swept: %s", self.services.library.sweep())
        except Exception:
            log.exception("the sweep failed; the next start will try again")

    def worker_environment(self) -> dict[str, str]:
        """What a new worker gets: the service's settings, the way here, and temporary credentials of its own."""
        credentials = self.sessions.issue_for_role(WORKER_ROLE, "worker", SERVICE_SESSION)
        threads = str(self._threads_per_worker)
        return self.settings.to_environment() | {
            "AWS_ENDPOINT_URL": self.options.worker_endpoint,
            "AWS_DEFAULT_REGION": self.account.region,
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SESSION_TOKEN": credentials.session_token,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Threads beyond the processors make each other slow, in torch most of all.
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
        }
