"""`chorale sdk`: teach the AWS SDKs on this machine the deepcomposer service."""

import os
import shutil
from pathlib import Path

import click

from infra.local.environment import sdk_directory


@click.group()
def sdk() -> None:
    """Install the service model for the AWS CLI and boto3."""


@sdk.command()
@click.option(
    "--target",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path.home() / ".aws" / "models",
    show_default="~/.aws/models",
    help="A folder that botocore searches for service models.",
)
def install(target: Path) -> None:
    """Copy the service model to ~/.aws/models, so that `aws deepcomposer` works in any shell.

    Each file is replaced whole; other services' models there are left alone.
    """
    copied = 0
    for source in sorted(sdk_directory().rglob("*.json")):
        copy = target / source.relative_to(sdk_directory())
        copy.parent.mkdir(parents=True, exist_ok=True)
        scratch = copy.with_suffix(".new")
        shutil.copyfile(source, scratch)
        os.replace(scratch, copy)
        copied += 1
    click.echo(f"installed {copied} files of the deepcomposer model under {target}")
