"""`chorale serve`: run the service and its local AWS on one port."""

from pathlib import Path

import click

from service.cli.client import data_option


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on. Any but loopback needs --tls."
)
@click.option("--port", type=click.IntRange(0, 65535), default=4242, show_default=True, help="0 picks a free port.")
@data_option
@click.option(
    "--tls",
    nargs=1,
    metavar="self|CERT,KEY",
    help="Serve HTTPS: `self` makes a certificate of our own; otherwise the paths of a certificate and its key in PEM.",
)
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="NAME", help="A further Host name to answer to; repeatable."
)
def serve(host: str, port: int, data: Path, tls: str | None, allowed_hosts: tuple[str, ...]) -> None:
    """Run DeepComposer and the AWS services beneath it on one local port.

    The first start creates an account in the data folder. `chorale env` prints what clients need to reach it.
    SIGTERM or Ctrl-C finishes what runs and stops.
    """
