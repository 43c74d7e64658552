"""`chorale reset`: the data folder back to a starting point."""

from pathlib import Path

import click

from service.cli.client import data_option, master_key_option
from service.cli.output import json_option, print_json, print_table, with_progress


@click.command()
@click.argument("point", default="empty", metavar="[POINT]")
@click.option("--list", "listing", is_flag=True, help="List the starting points that can be returned to.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@master_key_option
@json_option
def reset(point: str, listing: bool, yes: bool, data: Path, master_key: Path | None, as_json: bool) -> None:
    """Bring the data folder back to POINT, saved with `chorale backup --as POINT`; without it, to an empty account.

    What the folder holds now is gone afterwards. The root access key and the master key stay as they are. No server
    may run on the folder.

    \b
      chorale reset before-the-lesson
      chorale reset --list
    """
    from infra.local.durable.care.starting_points import EMPTY, starting_points
    from infra.local.durable.care.starting_points import reset as run

    if listing:
        points = starting_points(data)
        if as_json:
            print_json([{"name": p.name, "created": p.manifest.created, "size": p.size} for p in points])
        else:
            rows = [(EMPTY, "", "")] + [(p.name, p.manifest.created, f"{p.size:,}") for p in points]
            print_table(("NAME", "CREATED", "BYTES"), rows)
        return
    if not yes:
        click.confirm(f"Everything in {data} will be replaced by the starting point '{point}'. Go on?", abort=True)
    with_progress("resetting", lambda: run(data, point, master_key))
    if as_json:
        print_json({"path": str(data), "point": point})
    else:
        click.echo(f"reset {data} to '{point}'")
