"""A hosted account on a folder that can be opened again."""

from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.credentials import Credentials

from infra.local.dispatch import Dispatch
from infra.local.durable.folder import DataFolder
from infra.local.durable.services.small_services import SmallServices
from infra.local.kms_keys import UsableKeys
from infra.local.log_filters import LogFilters
from infra.local.moto_host import MotoHost
from infra.local.stacks import Stacks

REGION = "us-east-1"


class SmallWorld:
    """Made again on the same folder, it is the same account."""

    def __init__(self, path: Path) -> None:
        self.folder = DataFolder.open(path)
        self.account = self.folder.account.id
        self.host = MotoHost(self.folder)
        self.session = Dispatch(self.host).session(Credentials("ASIAEXAMPLE", "secret", "token"))
        self.host.put_in_front("cloudformation", Stacks(self.session).handle)
        self.host.put_in_front("kms", UsableKeys(self.account).handle)
        self.host.put_in_front("logs", LogFilters(self.account).handle)

    @property
    def small(self) -> SmallServices:
        return self.host._state.turns._small

    def client(self, service: str, region: str = REGION) -> Any:
        settings = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return self.session.client(service, region_name=region, config=settings)

    def close(self) -> None:
        self.host.close()
        self.folder.close()
