"""`chorale tags`: the tags of a composition."""

from pathlib import Path
from typing import Any

import click

from service.cli.client import connect, data_option
from service.cli.compose import tag_pairs
from service.cli.output import json_option, print_json, print_table
from service.resources import ID_PATTERN


@click.group()
def tags() -> None:
    """List, set and remove the tags of a composition, named by its ARN or its id."""


def arn_of(client: Any, resource: str) -> str:
    """The ARN itself, or the ARN of the composition with this id."""
    if ID_PATTERN.fullmatch(resource):
        return client.get_composition(compositionId=resource, includeOutputMidi=False)["composition"]["compositionArn"]
    return resource


@tags.command("list")
@click.argument("resource", metavar="ARN|ID")
@data_option
@json_option
def list_(resource: str, data: Path, as_json: bool) -> None:
    """List the tags of a composition."""
    client = connect(data)
    found = client.list_tags_for_resource(resourceArn=arn_of(client, resource))["tags"]
    if as_json:
        print_json(found)
    else:
        print_table(("KEY", "VALUE"), ((tag["key"], tag["value"]) for tag in found))


@tags.command("set")
@click.argument("resource", metavar="ARN|ID")
@click.argument("pairs", metavar="KEY=VALUE...", nargs=-1, required=True)
@data_option
def set_(resource: str, pairs: tuple[str, ...], data: Path) -> None:
    """Add tags to a composition, or change their values."""
    client = connect(data)
    client.tag_resource(resourceArn=arn_of(client, resource), tags=tag_pairs(pairs))


@tags.command()
@click.argument("resource", metavar="ARN|ID")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@data_option
def rm(resource: str, keys: tuple[str, ...], data: Path) -> None:
    """Remove tags from a composition."""
    client = connect(data)
    client.untag_resource(resourceArn=arn_of(client, resource), tagKeys=list(keys))
