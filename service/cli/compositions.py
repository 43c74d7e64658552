"""`chorale compositions`: list, look at, download and delete compositions."""

from pathlib import Path

import click

from service.cli.client import connect, data_option
from service.cli.compose import summary
from service.cli.output import OutputFile, json_option, print_facts, print_json, print_table, save


@click.group()
def compositions() -> None:
    """List, look at, download and delete compositions."""


@compositions.command("list")
@click.option("--limit", type=click.IntRange(1), help="How many at most; all of them unless given.")
@data_option
@json_option
def list_(limit: int | None, data: Path, as_json: bool) -> None:
    """List compositions, newest first."""
    pages = connect(data).get_paginator("list_compositions").paginate(PaginationConfig={"MaxItems": limit})
    found = [composition for page in pages for composition in page["compositions"]]
    if as_json:
        print_json(found)
        return
    print_table(
        ("ID", "NAME", "STATUS", "MODEL", "CREATED"),
        (
            (row["compositionId"], row["name"], row["status"], row["modelId"], f"{row['createdAt']:%Y-%m-%d %H:%M}")
            for row in found
        ),
    )


@compositions.command()
@click.argument("composition_id", metavar="ID")
@click.option("--revision", type=click.IntRange(1), help="An earlier revision; the newest unless given.")
@click.option("--output", "-o", type=OutputFile(), help="Where to save the MIDI file.")
@data_option
@json_option
def get(composition_id: str, revision: int | None, output: Path | None, data: Path, as_json: bool) -> None:
    """Show one composition, and save its MIDI file with --output."""
    request = {"compositionId": composition_id, "includeOutputMidi": output is not None}
    if revision is not None:
        request["revision"] = revision
    found = connect(data).get_composition(**request)["composition"]
    if output:
        if "outputMidi" not in found:
            raise click.ClickException(f"the composition is {found['status']} and has no music to save")
        save(output, found["outputMidi"])
    if as_json:
        print_json(found)
    else:
        print_facts(summary(found))


@compositions.command()
@click.argument("composition_ids", metavar="ID...", nargs=-1, required=True)
@data_option
def rm(composition_ids: tuple[str, ...], data: Path) -> None:
    """Delete compositions with all their files. What is deleted cannot be brought back."""
    client = connect(data)
    for composition_id in composition_ids:
        client.delete_composition(compositionId=composition_id)
        click.echo(f"deleted {composition_id}")
