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

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="CHORALE_DATA",
    default=Path.home() / ".chorale",
    show_default="~/.chorale",
    help="The folder that holds the account and everything it owns.",
)


def connect(data: Path) -> Any:
    """A deepcomposer client. With AWS_ENDPOINT_URL set the environment decides everything; otherwise the server that
    runs on `data` does. Raises NotRunningError."""
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.insert(0, str(sdk_directory()))
    boto: Any = boto3.Session(botocore_session=session)  # its type knows only the services AWS has today
    config = Config(read_timeout=120, retries={"mode": "standard", "max_attempts": 3})
    if any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        return boto.client("deepcomposer", config=config)
    local = client_environment(data)
    return boto.client(
        "deepcomposer",
        endpoint_url=local["AWS_ENDPOINT_URL"],
        region_name=local["AWS_REGION"],
        aws_access_key_id=local["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=local["AWS_SECRET_ACCESS_KEY"],
        verify=local.get("AWS_CA_BUNDLE"),
        config=config,
    )
