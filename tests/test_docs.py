"""The documentation is true: every command has help and is documented, every link leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from infra.local.cloudformation_templates import read_template
from service.bootstrap import Settings
from service.cli.main import main
from service.library import Limits
from tests.documents import DOCS, GENERATED, with_generated

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(group: click.Group = main, path: str = "chorale") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_has_help(path: str, command: click.Command) -> None:
    assert command.help, f"{path} has no help"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("path", [path for path, _ in commands()])
def test_every_command_is_documented(path: str) -> None:
    assert f"`{path}" in (ROOT / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_architecture_page_names_only_rooms_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    for name in re.findall(r"`((?:service|infra|handlers|training_images|tests)/[\w./]+)`", text):
        assert (ROOT / name).exists() or (ROOT / f"{name}.py").exists(), f"docs/architecture.md names {name}"


@pytest.mark.parametrize(("name", "marker", "content"), GENERATED, ids=[marker for _, marker, _ in GENERATED])
def test_generated_parts_are_fresh(name: str, marker: str, content) -> None:
    page = (DOCS / name).read_text()
    assert with_generated(page, marker, content()) == page, "run `make generate`"


def test_every_setting_is_documented() -> None:
    settings = Settings(
        region="us-east-1",
        account="123456789012",
        table="t",
        music_bucket="b",
        compose_function="c",
        render_function="r",
        public_endpoint="http://127.0.0.1",
        sound_font="s",
        limits=Limits(),
    )
    page = (DOCS / "real-aws.md").read_text()
    for name in (*settings.to_environment(), "CHORALE_API_BASE_PATH"):
        assert f"`{name}`" in page, f"docs/real-aws.md does not tell of {name}"


def test_the_command_that_deploys_the_storage_gives_every_parameter_that_has_no_default() -> None:
    template = read_template((ROOT / "infra" / "storage.yaml").read_text())
    needed = [name for name, parameter in template["Parameters"].items() if "Default" not in parameter]
    page = (DOCS / "real-aws.md").read_text()
    for name in needed:
        assert re.search(rf"--parameter-overrides [^\n]*{name}=", page), f"docs/real-aws.md deploys without {name}"
