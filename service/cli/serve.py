"""`chorale serve`: run the service and its local AWS on one port."""

import logging
from pathlib import Path
from typing import Literal

import click

from service.cli.client import data_option, master_key_option


class ServeCommand(click.Command):
    """Takes `--tls self` as well as `--tls CERT KEY`, which an option of click's own cannot."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        spelled = list(arguments)
        for index, argument in enumerate(spelled):
            if argument == "--tls" and spelled[index + 1 : index + 2] == ["self"]:
                spelled.insert(index + 2, "self")
                break
        return super().parse_args(context, spelled)


@click.command(cls=ServeCommand)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; any but loopback needs --tls."
)
@click.option("--port", type=click.IntRange(0, 65535), default=4242, show_default=True, help="0 picks a free port.")
@data_option
@master_key_option
@click.option(
    "--tls",
    nargs=2,
    metavar="self | CERT KEY",
    help="Serve HTTPS, with a certificate of our own making or with yours (two PEM files).",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A further name that clients may use in the Host header; repeatable.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="How many processes compose and render at once; one for each processor unless given.",
)
@click.option(
    "--prewarm/--no-prewarm",
    default=True,
    show_default=True,
    help="Load a model at once, so that the first composition is quick, or only when one is asked for.",
)
@click.option(
    "--soundfont",
    "sound_font",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="CHORALE_SOUNDFONT",
    help="The SoundFont (.sf2 or .sf3) to render with; the best one found unless given.",
)
def serve(
    host: str,
    port: int,
    data: Path,
    master_key: Path | None,
    tls: tuple[str, str] | None,
    allowed_hosts: tuple[str, ...],
    workers: int | None,
    prewarm: bool,
    sound_font: Path | None,
) -> None:
    """Run DeepComposer and the AWS services beneath it on one local port.

    The first start creates an account in the data folder; `chorale env` prints what clients need to reach it.
    SIGTERM or Ctrl-C finishes what runs and stops.
    """
    # Imported here: every other command would wait for the whole server to load.
    from infra.local.server import ServeError, ServeOptions
    from infra.local.server import serve as run

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        run(
            ServeOptions(
                data,
                host=host,
                port=port,
                master_key=master_key,
                tls=_certificate(tls),
                allowed_hosts=allowed_hosts,
                workers=workers,
                prewarm=prewarm,
                sound_font=sound_font,
            )
        )
    except ServeError as error:
        raise click.ClickException(str(error)) from error


def _certificate(given: tuple[str, str] | None) -> tuple[Path, Path] | Literal["self"] | None:
    if given is None:
        return None
    return "self" if given == ("self", "self") else (Path(given[0]), Path(given[1]))
