"""What moto keeps for one account, upon a data folder: put together at the start, and taken apart at the end.

Items of tables, objects of buckets and log events are rows; all else is in moto's memory and written to the folder
after each change.
"""

from infra.local import key_policies, strong_secrets
from infra.local.durable.dynamodb.backend import TableStore
from infra.local.durable.folder import DataFolder
from infra.local.durable.left_out import LEFT_OUT
from infra.local.durable.logs.log_events import LogEvents
from infra.local.durable.logs.stored_logs import StoredLogs
from infra.local.durable.s3.objects import ObjectStore
from infra.local.durable.services.small_services import SmallServices
from infra.local.durable.services.stack_state import StoredStacks
from infra.local.moto_instances import forget_instances
from infra.local.moto_services import BACKENDS, forget_account
from infra.local.moto_shortcuts import take_shortcuts
from infra.local.turns import Turns

_PARTITION = "aws"


class HostedState:
    """moto's backends of the folder's account. `turns` is the way to them, and `objects` that to S3's."""

    def __init__(self, folder: DataFolder) -> None:
        """Bring back what the folder holds. Raises StoreError when something of it cannot be read."""
        self._account = folder.account.id
        forget_account(self._account)
        forget_instances()
        take_shortcuts()
        strong_secrets.install(self._account)
        key_policies.install(self._account)
        tables = TableStore(folder.store, BACKENDS["dynamodb"][self._account])
        logs = StoredLogs(LogEvents(folder.store), self._account)
        logs.install()
        stacks = StoredStacks(self._account)
        stacks.install()
        self.objects = ObjectStore(
            folder.store,
            folder.bodies,
            lambda: BACKENDS["s3"][self._account][_PARTITION],
            lambda region: BACKENDS["kms"][self._account][region],
            lambda service: small.note(service),
        )
        small = SmallServices(
            folder.store,
            self._account,
            left_out=LEFT_OUT,
            attach={
                "cloudformation": stacks.attach,
                "dynamodb": tables.attach,
                "logs": logs.attach,
                "s3": self.objects.attach,
            },
            adopt={
                "cloudformation": stacks.adopt,
                "dynamodb": tables.adopt,
                "logs": logs.adopt,
                "s3": self.objects.adopt,
            },
        )
        self.turns = Turns(folder.store, small)
        small.load()
        self.objects.sweep()

    def close(self) -> None:
        """Forget the account, so that another may be hosted; the folder keeps it.

        A request that is under way must not find it forgotten, and store that.
        """
        self.turns.end()
        forget_account(self._account)
