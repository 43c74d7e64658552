"""`chorale doctor`: is the data folder sound, and if not, what is lost and what can be saved."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.client import data_option, master_key_option
from service.cli.output import json_option, print_json, with_progress

if TYPE_CHECKING:
    from infra.local.durable.care.findings import Finding


@click.command()
@click.option("--repair", "repairing", is_flag=True, help="Make the folder sound again, keeping copies.")
@click.option("--deep", is_flag=True, help="Also read every object to its end, however long that takes.")
@data_option
@master_key_option
@json_option
@click.pass_context
def doctor(
    context: click.Context, repairing: bool, deep: bool, data: Path, master_key: Path | None, as_json: bool
) -> None:
    """Look at everything in the data folder and tell what is wrong with it, one line each.

    Exits with 0 when nothing has to be done, with 1 when --repair has something to do, and with 2 when there is
    damage that it cannot mend. A server may run, but not during a repair.
    """
    from infra.local.durable.care.doctor import Repair, diagnose, exit_status, repair

    if repairing:
        done = with_progress("repairing", lambda: repair(data, master_key, deep=deep))
    else:
        found = with_progress("looking", lambda: diagnose(data, master_key, deep=deep))
        done = Repair((), tuple(found), ())
    if as_json:
        print_json(
            {
                "repaired": [_told(finding) for finding in done.repaired],
                "findings": [_told(finding) for finding in done.left],
                "kept": [str(path) for path in done.kept],
            }
        )
    else:
        for finding in done.repaired:
            click.echo(f"repaired: {finding}")
        for finding in done.left:
            click.echo(str(finding))
        for path in done.kept:
            click.echo(f"kept: {path}")
        if exit_status(done.left) == 0:
            click.echo(f"{data} is sound.")
    context.exit(exit_status(done.left))


def _told(finding: "Finding") -> dict[str, str | None]:
    return {
        "severity": finding.severity.value,
        "subject": finding.subject,
        "message": finding.message,
        "repair": finding.repair,
    }
