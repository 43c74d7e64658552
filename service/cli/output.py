"""How commands print: plain tables for people, JSON for scripts, progress on stderr while something takes time."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, default=_plain, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Left-aligned columns, two spaces apart."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *cells]) for i in range(len(head))]
    for row in [list(head), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, object]) -> None:
    """Name and value, one a line; values that are None are left out."""
    shown = {name: value for name, value in facts.items() if value is not None}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        click.echo(f"{name.ljust(width)}  {value}")


def with_progress(doing: str, work: Callable[[], T]) -> T:
    """Runs `work`, telling on a terminal's stderr how long it has taken so far."""
    if not sys.stderr.isatty():
        return work()
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        while wait_for([future], timeout=0.1).not_done:
            click.echo(f"\r{doing} … {time.monotonic() - started:.1f} s", err=True, nl=False)
        click.echo("\r\x1b[K", err=True, nl=False)
        return future.result()


class OutputFile(click.Path):
    """A file to write. Its folder must be there: better said before the work than after it."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, parameter, context)))
        if not path.absolute().parent.is_dir():
            self.fail(f"there is no folder {path.absolute().parent}", parameter, context)
        return path


def save(path: Path, data: bytes) -> None:
    """Writes a file and says so on stderr."""
    path.write_bytes(data)
    click.echo(f"wrote {path} ({len(data):,} bytes)", err=True)
