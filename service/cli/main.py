"""`chorale`: the command group, and the one place where an error becomes a sentence."""

import sys

import click

from service.cli import (
    backup,
    compose,
    compositions,
    demo,
    doctor,
    environment,
    render,
    reset,
    rotate,
    sdk,
    serve,
    show,
    tags,
)
from service.cli.failures import explain


class Commands(click.Group):
    """A group whose commands end with one sentence on stderr instead of a traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            sentence = explain(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chorale")
def main() -> None:
    """Chorale: compose music with trained models, through a local AWS DeepComposer.

    Start with `chorale demo` to see everything once, or run `chorale serve` in one terminal and, in another,
    `chorale compose ode-to-joy --output joy.mid`.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)


for command in (
    serve.serve,
    environment.env,
    sdk.sdk,
    compose.compose,
    render.render,
    show.show,
    compositions.compositions,
    tags.tags,
    backup.backup,
    backup.restore,
    reset.reset,
    doctor.doctor,
    rotate.rotate,
    demo.demo,
):
    main.add_command(command)
