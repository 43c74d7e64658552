"""`chorale rotate`: new keys in place of old ones."""

from pathlib import Path

import click

from service.cli.client import data_option, master_key_option
from service.cli.output import OutputFile


@click.group()
def rotate() -> None:
    """Replace the root access key, the key of session tokens or the master key by a new one."""


@rotate.command()
@data_option
def root(data: Path) -> None:
    """Give the account's root a new access key. The old one stops at once, also on a server that runs.

    Shells that ran `eval "$(chorale env)"` have to run it again.
    """
    from infra.local.durable.care.rotation import rotate_root

    account = rotate_root(data)
    click.echo(f"The root access key is now {account.access_key_id}; `chorale env` prints it with its secret.")


@rotate.command()
@data_option
def sessions(data: Path) -> None:
    """End all sessions: temporary credentials and the download links signed with them. No server may run."""
    from infra.local.durable.care.rotation import rotate_sessions

    rotate_sessions(data)
    click.echo("All sessions have ended; links that were made before no longer work.")


@rotate.command()
@click.option(
    "--to",
    type=OutputFile(),
    metavar="FILE",
    help="Keep the new key in this file from now on; unless given, where the old one is.",
)
@data_option
@master_key_option
def master(to: Path | None, data: Path, master_key: Path | None) -> None:
    """Encrypt the data folder's keys under a new master key. No server may run.

    With --to the key moves: out of the folder, to a stick for example, or back into it as master.key.
    """
    from infra.local.durable.care.rotation import rotate_master
    from infra.local.durable.keyring import MASTER_KEY_FILE

    rotated = rotate_master(data, master_key, to)
    click.echo(f"The new master key is in {rotated.key}.")
    if rotated.kept is not None:
        click.echo(f"The old one is kept as {rotated.kept}: backups that were made before need it.")
    if rotated.key.absolute() != (data / MASTER_KEY_FILE).absolute():
        click.echo(f"From now on name it with --master-key {rotated.key}, or in CHORALE_MASTER_KEY_FILE.")
