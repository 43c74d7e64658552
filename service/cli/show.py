"""`chorale show`: what a piece of music is like, in figures and as a piano-roll picture."""

from dataclasses import asdict
from pathlib import Path

import click

from service.cli.client import connect, data_option
from service.cli.output import OutputFile, json_option, print_facts, print_json, save
from service.music.metrics import guide_metrics
from service.music.midi import read_midi


@click.command()
@click.argument("source", metavar="FILE|ID")
@click.option("--picture", "-p", type=OutputFile(), help="Where to save a piano roll as PNG.")
@data_option
@json_option
def show(source: str, picture: Path | None, data: Path, as_json: bool) -> None:
    """Show the length, tracks and metrics of a MIDI file or a composition.

    The metrics are those of the service's guide: pitches and pitch classes used a bar, empty bar rate, polyphonic
    rate, in scale ratio, and drum in pattern where there are drums.
    """
    midi = Path(source).read_bytes() if Path(source).is_file() else _output_midi(source, data)
    score = read_midi(midi)
    tracks = [track.name or ("drums" if track.is_drum else f"program {track.program}") for track in score.tracks]
    metrics = {name: value for name, value in asdict(guide_metrics(score)).items() if value is not None}
    figures = {
        "seconds": round(score.seconds, 2),
        "tempo": round(score.tempos[0].bpm, 2),
        "notes": score.note_count,
    }
    if picture:
        from service.music.picture import draw  # Pillow is only loaded where a picture is asked for

        save(picture, draw(score, Path(source).stem))
    if as_json:
        print_json({**figures, "tracks": tracks, "metrics": metrics})
    else:
        spelled = {name.replace("_", " "): f"{value:.3f}" for name, value in metrics.items()}
        print_facts({**figures, "tracks": ", ".join(tracks), **spelled})


def _output_midi(composition_id: str, data: Path) -> bytes:
    composition = connect(data).get_composition(compositionId=composition_id, includeOutputMidi=True)["composition"]
    if "outputMidi" not in composition:
        raise click.ClickException(f"the composition is {composition['status']} and has no music to show")
    return composition["outputMidi"]
