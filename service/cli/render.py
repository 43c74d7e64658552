"""`chorale render`: a composition, or any MIDI file, as MP3 or WAV."""

import time
import urllib.request
from pathlib import Path
from typing import Any

import click

from service.cli.client import connect, data_option
from service.cli.output import OutputFile, save, with_progress

FORMATS = {".mp3": "MP3", ".wav": "WAV"}
PAUSE_SECONDS = 0.25  # between looks at a rendering in progress


@click.command()
@click.argument("source", metavar="FILE|ID")
@click.option(
    "--output",
    "-o",
    type=OutputFile(),
    required=True,
    help="Where to save the sound; the name's ending, .mp3 or .wav, decides the format.",
)
@click.option(
    "--revision", type=click.IntRange(1), help="An earlier revision of the composition; the newest unless given."
)
@data_option
def render(source: str, output: Path, revision: int | None, data: Path) -> None:
    """Render a composition by its id through the service, or a MIDI file on this machine without it.

    \b
      chorale render 01k0abcdefghjkmnpqrstvwxyz -o joy.mp3
      chorale render my-tune.mid -o my-tune.wav
    """
    kind = FORMATS.get(output.suffix.lower())
    if kind is None:
        raise click.BadParameter("must end in .mp3 or .wav", param_hint="--output")
    if Path(source).is_file():
        # Imported here: the synthesizer is only loaded by the commands that make sound.
        from service.music.midi import read_midi
        from service.music.synth import render as synthesize

        score = read_midi(Path(source).read_bytes())
        sound = with_progress("rendering", lambda: synthesize(score, kind))
        save(output, sound.data)
        click.echo(f"{sound.seconds:.1f} s with {sound.sound_font}")
        return
    client = connect(data)
    request = {"compositionId": source, "format": kind} | ({"revision": revision} if revision else {})
    audio = with_progress("rendering", lambda: rendered(client, **request))
    with urllib.request.urlopen(audio["url"], timeout=60) as answered:
        save(output, answered.read())
    click.echo(f"{audio['durationSeconds']:.1f} s with {audio['soundFont']}")


def rendered(client: Any, **request: Any) -> dict[str, Any]:
    """The finished rendering that CreateAudio is asked for, waited for when it takes longer than one answer.

    The waiter audio_completed would not do: it looks at every rendering of the revision, failed ones included.
    """
    audio = client.create_audio(**request)["audio"]
    while audio["status"] == "IN_PROGRESS":
        time.sleep(PAUSE_SECONDS)
        composition = client.get_composition(
            compositionId=audio["compositionId"], revision=audio["revision"], includeOutputMidi=False
        )["composition"]
        audio = next(found for found in composition["audios"] if found["audioId"] == audio["audioId"])
    if audio["status"] == "FAILED":
        raise click.ClickException(audio.get("statusReason", "the rendering failed"))
    return audio
