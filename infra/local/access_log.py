"""The log of requests: one line each, in a file of the data directory that never grows beyond a few megabytes."""

import contextlib
import logging
import logging.handlers
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from infra.local.exchange import access_log
from infra.local.platform_calls import PRIVATE_FILE_MODE

ACCESS_LOG_FILE = "access.log"

_MAX_BYTES = 10 << 20
_OLDER_FILES = 2

log = logging.getLogger(__name__)


class AccessLogFile(logging.handlers.RotatingFileHandler):
    """A file that may fail: a full disk is told of once, not with a traceback for every request."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_MAX_BYTES, backupCount=_OLDER_FILES)
        path.chmod(PRIVATE_FILE_MODE)  # of one that was there before
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._told = False
        self._size = path.stat().st_size

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=_private)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        self._size += len(line) + 1
        return line

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802, the name is logging's
        """Counted: to look at the file would cost each request more than its line does."""
        return self._size >= self.maxBytes

    def doRollover(self) -> None:  # noqa: N802, the name is logging's
        super().doRollover()
        self._size = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, the name is logging's
        if not self._told:
            self._told = True
            log.warning("lines of the access log are lost: %s", sys.exception())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE_MODE)


@contextlib.contextmanager
def logged_requests(data: Path) -> Iterator[None]:
    """While this lasts, requests are logged in the data directory."""
    handler = AccessLogFile(data / ACCESS_LOG_FILE)
    access_log.addHandler(handler)
    access_log.setLevel(logging.INFO)
    access_log.propagate = False
    try:
        yield
    finally:
        access_log.removeHandler(handler)
        with contextlib.suppress(OSError):  # what was not written by now is lost with the rest
            handler.close()
