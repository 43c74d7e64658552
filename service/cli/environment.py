"""`chorale env`: what a shell, a script or another SDK needs to reach the running server."""

import shlex
from collections.abc import Callable
from pathlib import Path

import click

from infra.local.environment import client_environment
from service.cli.client import data_option
from service.cli.output import json_option, print_json

# How each shell sets a variable for the commands that follow.
SHELLS: dict[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": lambda name, value: (
        f"set -gx {name} '{value.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}'"
    ),
    "powershell": lambda name, value: f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'",
}


@click.command()
@data_option
@click.option(
    "--shell",
    type=click.Choice(sorted(SHELLS)),
    default="sh",
    show_default=True,
    help="The shell to write for; sh suits bash and zsh.",
)
@json_option
def env(data: Path, shell: str, as_json: bool) -> None:
    """Print the environment that makes boto3, the AWS CLI and SAM talk to the running server.

    \b
      eval "$(chorale env)"
      chorale env --shell fish | source
      chorale env --json
    """
    variables = client_environment(data)
    if as_json:
        print_json(variables)
        return
    for name, value in variables.items():
        click.echo(SHELLS[shell](name, value))
