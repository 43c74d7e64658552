"""`chorale compose`: a new composition from a file, a sample melody or an earlier composition."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from service.algorithms import ALGORITHMS
from service.cli.client import connect, data_option
from service.cli.output import OutputFile, json_option, print_facts, print_json, save, with_progress
from service.resources import ID_PATTERN
from service.samples import sample_melodies


def parameter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """One option for each inference hyperparameter of any algorithm, declared by its row."""
    rows = {row.name: row for algorithm in ALGORITHMS.values() for row in algorithm.inference}
    for row in reversed(rows.values()):
        option = "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in row.name)
        default = "" if row.default is None else f", {row.default:g} unless given"
        command = click.option(
            option,
            row.name,
            type=int if row.integer else float,
            help=f"{row.meaning} ({row.minimum:g} to {row.maximum:g}{default})",
        )(command)
    return command


def tag_pairs(given: tuple[str, ...]) -> list[dict[str, str]]:
    """KEY=VALUE arguments as the API's tags."""
    pairs = []
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE")
        pairs.append({"key": key, "value": value})
    return pairs


def source_of(text: str) -> dict[str, Any]:
    """The CreateComposition members for a melody named on the command line."""
    if Path(text).is_file():
        return {"inputMidi": Path(text).read_bytes(), "inputMidiSource": "IMPORTED"}
    known = [melody.id for melody in sample_melodies()]
    if text in known:
        return {"sampleMelodyId": text, "inputMidiSource": "SAMPLE"}
    if ID_PATTERN.fullmatch(text):
        return {"parentCompositionId": text, "inputMidiSource": "COMPOSITION"}
    raise click.BadParameter(
        f"{text!r} is no file, no composition's id and none of the sample melodies: {', '.join(known)}"
    )


@click.command()
@click.argument("melody", metavar="FILE|SAMPLE|ID")
@click.option("--model", default="ar-cnn-bach", show_default=True, help="The id of the model that composes.")
@click.option("--name", help="What to call the composition. The melody's name unless given.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag for the composition; repeatable.")
@click.option("--output", "-o", type=OutputFile(), help="Where to save the MIDI file.")
@parameter_options
@data_option
@json_option
def compose(
    melody: str,
    model: str,
    name: str | None,
    tags: tuple[str, ...],
    output: Path | None,
    data: Path,
    as_json: bool,
    **parameters: float | None,
) -> None:
    """Compose from a MIDI file, a sample melody or an earlier composition.

    \b
      chorale compose ode-to-joy --output joy.mid
      chorale compose my-tune.mid --temperature 2 --seed 7 --tag class=101
    """
    source = source_of(melody)
    client = connect(data)
    created = with_progress(
        "composing",
        lambda: _create(
            client,
            name=name or Path(melody).stem,
            modelId=model,
            modelType="SAMPLE",
            inferenceHyperParameters={key: value for key, value in parameters.items() if value is not None},
            tags=tag_pairs(tags),
            **source,
        ),
    )
    if created["status"] == "FAILED":
        raise click.ClickException(created.get("statusReason", "the composition failed"))
    if output:
        save(output, created["outputMidi"])
    if as_json:
        print_json(created)
    else:
        print_facts(summary(created))


def _create(client: Any, **request: Any) -> dict[str, Any]:
    """CreateComposition, waited for when it takes longer than one answer."""
    made = client.create_composition(**request)["composition"]
    if made["status"] == "IN_PROGRESS":
        client.get_waiter("composition_completed").wait(compositionId=made["compositionId"])
        made = client.get_composition(compositionId=made["compositionId"])["composition"]
    return made


def summary(composition: dict[str, Any]) -> dict[str, object]:
    """What a person wants to know of a composition, from its API form."""
    report = composition.get("report", {})
    tracks = composition.get("tracks", [])
    seconds = composition.get("durationSeconds")
    return {
        "id": composition["compositionId"],
        "name": composition["name"],
        "status": composition["status"],
        "reason": composition.get("statusReason"),
        "model": composition["modelId"],
        "revision": composition.get("revision"),
        "created": composition["createdAt"].isoformat(timespec="seconds"),
        "length": None if seconds is None else f"{seconds:.1f} s, {composition.get('bars')} bars",
        "tracks": ", ".join(f"{track['name'] or track['instrument']} ({track['noteCount']} notes)" for track in tracks)
        or None,
        "changes": f"{report['notesAdded']} notes added, {report['notesRemoved']} removed"
        if "notesAdded" in report
        else None,
        "seed": composition.get("inferenceHyperParameters", {}).get("seed"),
    }
