"""Who may work on a data folder: the user whose server made it.

Root could, but would leave files that the server then cannot open.
"""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from infra.local.account import ACCOUNT_FILE
from infra.local.durable.errors import StoreError


def check_owner(data: Path) -> None:
    """Raises StoreError when the folder's account belongs to another user; a folder without one is anybody's."""
    try:
        owner = (data / ACCOUNT_FILE).stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        return
    if owner != os.geteuid():
        name = str(owner)
        with suppress(KeyError):
            name = pwd.getpwuid(owner).pw_name
        raise StoreError(f"{data} belongs to the user {name}; run this as that user")
