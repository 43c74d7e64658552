"""An account hosted in this process, upon a data folder of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.durable.folder import DataFolder
from infra.local.moto_host import MotoHost


@contextmanager
def hosted_account(folder: Path, **account: Any) -> Iterator[MotoHost]:
    """A host on the folder, which may be used again afterwards; `account` may choose `account_id` and `region`."""
    data = DataFolder.open(folder, **account)
    try:
        host = MotoHost(data)
        try:
            yield host
        finally:
            host.close()
    finally:
        data.close()
