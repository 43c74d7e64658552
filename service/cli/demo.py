"""`chorale demo`: the whole service once, by ordinary boto3 calls, on a server of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from infra.local.environment import NotRunningError, Running
from service.cli.client import ENDPOINT_VARIABLES, connect
from service.cli.output import print_table
from service.cli.render import rendered
from service.music.midi import read_midi
from service.music.picture import draw

READY_SECONDS = 60


@contextmanager
def server(data: Path) -> Iterator[Running]:
    """A server on a free port, ready when the block begins and stopped when it ends."""
    log = (data / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--data", str(data)], stdout=log, stderr=log
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                running = Running.read(data)
                break
            except NotRunningError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise click.ClickException(
                        f"the server did not start:\n{(data / 'server.log').read_text()}"
                    ) from None
                time.sleep(0.02)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        log.close()


@dataclass
class Steps:
    """What happened, row by row, with the seconds each step took."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    def done(self, step: str, result: str) -> None:
        now = time.monotonic()
        self.rows.append((step, result, f"{now - self._since:.2f} s"))
        self._since = now


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="The folder for the music that the demo makes.",
)
@click.option("--melody", default="ode-to-joy", show_default=True, help="The sample melody to start from.")
@click.option("--seed", default=1824, show_default=True, help="The seed of the composition.")
def demo(output: Path, melody: str, seed: int) -> None:
    """Run everything once: compose, download, listen, edit, tag and delete, through boto3.

    Starts a server of its own on a free port with an empty account, and stops it at the end.
    """
    output.mkdir(parents=True, exist_ok=True)
    for name in ENDPOINT_VARIABLES:
        os.environ.pop(name, None)  # the demo talks to its own server, whatever the shell is set to
    with tempfile.TemporaryDirectory(prefix="chorale-demo-") as folder:
        steps = Steps()
        with server(Path(folder)) as running:
            steps.done("start the local AWS", running.endpoint)
            files = compose_and_clean_up(connect(Path(folder)), output, melody, seed, steps)
        steps.done("stop the server", "what ran was finished")
    print_table(("STEP", "RESULT", "TIME"), steps.rows)
    click.echo()
    for path in files:
        click.echo(f"{path}  ({path.stat().st_size:,} bytes)")


def compose_and_clean_up(client: Any, output: Path, melody: str, seed: int, steps: Steps) -> list[Path]:
    """One composition from its creation to its deletion; returns the files that stay."""
    created = client.create_composition(
        name=f"{melody}, enhanced",
        modelId="ar-cnn-bach",
        modelType="SAMPLE",
        sampleMelodyId=melody,
        inputMidiSource="SAMPLE",
        inferenceHyperParameters={"seed": seed},
        tags=[{"key": "made-by", "value": "demo"}],
    )["composition"]
    composition_id = created["compositionId"]
    if created["status"] == "IN_PROGRESS":
        client.get_waiter("composition_completed").wait(compositionId=composition_id)
    composition = client.get_composition(compositionId=composition_id)["composition"]
    report = composition["report"]
    steps.done(
        "compose with AR-CNN",
        f"{melody}: {report['notesAdded']} notes added, {report['notesRemoved']} removed, seed {seed}",
    )

    midi_file = output / f"{melody}.mid"
    with urllib.request.urlopen(composition["downloads"]["outputMidiUrl"], timeout=60) as answered:
        midi_file.write_bytes(answered.read())
    score = read_midi(midi_file.read_bytes())
    steps.done("download the MIDI", f"{len(score.tracks)} tracks, {score.note_count} notes, {score.seconds:.1f} s")

    picture_file = output / f"{melody}.png"
    picture_file.write_bytes(draw(score, composition["name"]))
    steps.done("draw its piano roll", picture_file.name)

    audio = rendered(client, compositionId=composition_id, format="MP3")
    audio_file = output / f"{melody}.mp3"
    with urllib.request.urlopen(audio["url"], timeout=60) as answered:
        audio_file.write_bytes(answered.read())
    steps.done("render to MP3", f"{audio['durationSeconds']:.1f} s with {audio['soundFont']}")

    updated = client.update_composition(
        compositionId=composition_id,
        expectedRevision=composition["revision"],
        edits=[{"op": "SET_TEMPO", "tempo": 100}, {"op": "TRANSPOSE", "semitones": -2}],
    )["composition"]
    steps.done("edit: slower, a tone lower", f"revision {updated['revision']}, {updated['durationSeconds']:.1f} s")

    arn = composition["compositionArn"]
    client.tag_resource(resourceArn=arn, tags=[{"key": "mood", "value": "joyful"}])
    client.untag_resource(resourceArn=arn, tagKeys=["made-by"])
    tags = client.list_tags_for_resource(resourceArn=arn)["tags"]
    steps.done("tag and untag", ", ".join(f"{tag['key']}={tag['value']}" for tag in tags))

    client.delete_composition(compositionId=composition_id)
    try:
        client.get_composition(compositionId=composition_id)
    except client.exceptions.ResourceNotFoundException:
        left = len(client.list_compositions()["compositions"])
        steps.done("delete it", f"{left} compositions left")
    else:
        raise click.ClickException("the deleted composition can still be read")
    return [midi_file, picture_file, audio_file]
