"""`chorale backup` and `chorale restore`: the whole data folder in one file, and back."""

from dataclasses import asdict
from pathlib import Path

import click

from service.cli.client import data_option, master_key_option
from service.cli.output import OutputFile, json_option, print_json, with_progress


@click.command()
@click.argument("file", type=OutputFile(), required=False)
@click.option(
    "--as", "name", metavar="NAME", help="Keep it in the data folder, as a starting point for `chorale reset`."
)
@click.option("--force", is_flag=True, help="Replace a backup or a starting point that is there already.")
@data_option
@json_option
def backup(file: Path | None, name: str | None, force: bool, data: Path, as_json: bool) -> None:
    """Save everything in the data folder to FILE, also while a server runs on it.

    The file holds what was acknowledged before the command began. Keep it as you keep a password: unless the master
    key lies outside the data folder, it holds the keys to everything in it.

    \b
      chorale backup monday.tar
      chorale backup --as before-the-lesson
    """
    from infra.local.durable.care.backup import back_up
    from infra.local.durable.care.starting_points import save_starting_point

    if (file is None) == (name is None):
        raise click.UsageError("name either a FILE or, with --as, a starting point")
    if file is not None:
        target = file
        made = with_progress("backing up", lambda: back_up(data, target, replace=force))
    else:
        made = with_progress("backing up", lambda: save_starting_point(data, str(name), replace=force))
    if as_json:
        print_json(asdict(made) | {"path": str(made.path)})
        return
    click.echo(f"wrote {made.path} ({made.size:,} bytes, with {made.bodies:,} large objects)")
    click.echo(
        "It holds the master key: whoever has the file can read everything in it."
        if made.holds_master_key
        else "It does not hold the master key: without the key's own file it cannot be restored."
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@master_key_option
@json_option
def restore(file: Path, data: Path, master_key: Path | None, as_json: bool) -> None:
    """Make a new data folder out of the backup FILE.

    The folder must be empty, or not there yet. It appears when all of it is on the disk and fits the backup; then
    the doctor has a look at it.

    \b
      chorale restore monday.tar --data ~/restored
    """
    from infra.local.durable.care.doctor import diagnose, exit_status
    from infra.local.durable.care.restore import restore as run

    restored = with_progress("restoring", lambda: run(file, data, master_key))
    manifest = restored.manifest
    found = with_progress("looking", lambda: diagnose(restored.path, master_key))
    if as_json:
        told = {"path": str(restored.path), "created": manifest.created, "account": manifest.account}
        print_json(told | {"findings": [str(finding) for finding in found]})
        return
    click.echo(f"restored {restored.path}: account {manifest.account} as of {manifest.created}")
    for finding in found:
        click.echo(str(finding))
    if exit_status(found):
        click.echo("The folder was damaged when the backup was made; `chorale doctor --repair` makes it sound.")
