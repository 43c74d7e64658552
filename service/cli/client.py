"""The boto3 client of the commands: the one the environment names, or else the server on the data directory."""

import os
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import click
from botocore.config import Config

from infra.local.environment import client_environment, sdk_directory

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_DEEPCOMPOSER", "AWS_ENDPOINT_URL")
CONFIG = Config(read_timeout=120, retries={"mode": "standard", "max_attempts": 3})

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="CHORALE_DATA",
    default=Path.home() / ".chorale",
    show_default="~/.chorale",
    help="The folder that holds the account and everything it owns.",
)

master_key_option = click.option(
    "--master-key",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="CHORALE_MASTER_KEY_FILE",
    metavar="FILE",
    help="The file with the master key, where it is not in the data folder.",
)


def connect(data: Path) -> Any:
    """A deepcomposer client. With AWS_ENDPOINT_URL set the environment decides everything; otherwise the server that
    runs on `data` does, whatever AWS settings the user has. Raises NotRunningError."""
    if any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        return _session().client("deepcomposer", config=CONFIG)
    local = client_environment(data)
    no_settings_of_the_user = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    return _session(no_settings_of_the_user).client(
        "deepcomposer",
        endpoint_url=local["AWS_ENDPOINT_URL"],
        region_name=local["AWS_REGION"],
        aws_access_key_id=local["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=local["AWS_SECRET_ACCESS_KEY"],
        verify=local.get("AWS_CA_BUNDLE"),
        config=CONFIG,
    )


def _session(variables: dict[str, Any] | None = None) -> Any:
    core = botocore.session.Session(session_vars=variables)
    core.get_component("data_loader").search_paths.insert(0, str(sdk_directory()))
    return boto3.Session(botocore_session=core)
