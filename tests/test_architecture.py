"""The import directions of docs/architecture.md, enforced on the source text: left never imports right."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A module belongs to the room with the longest matching prefix. A room may import itself and every room on an
# earlier row, and rooms of the same row.
ROWS: tuple[tuple[str, ...], ...] = (
    ("service.errors", "service.caller", "service.music"),
    ("service.algorithms", "service.resources", "service.sigv4", "service.iam", "service.samples"),
    ("service.nn", "service.storage"),
    ("service.compose", "service.compose_ar_cnn", "service.evaluate", "service.inference"),
    ("service.library",),
    ("service.api",),
    ("service.bootstrap",),
    ("handlers",),
    ("infra.local",),
    ("service.cli",),
)
SEPARATE = {
    "training_images": {"service.music", "service.nn", "service.algorithms", "service.errors", "training_images"}
}

# Third-party packages that only some rooms may import.
CONFINED = {
    "torch": {"service.nn", "service.compose", "service.evaluate", "training_images"},
    "safetensors": {"service.nn", "training_images"},
    "fastapi": {"service.api"},
    "starlette": {"service.api"},
    "boto3": {"service.storage", "service.inference", "service.bootstrap", "handlers", "infra.local", "service.cli"},
    "botocore": {"service.storage", "service.inference", "service.bootstrap", "handlers", "infra.local", "service.cli"},
    "moto": {"infra.local"},
    "uvicorn": {"infra.local"},
    "click": {"service.cli"},
}
STANDARD_LIBRARY_ONLY = ("service.sigv4", "service.iam")


def modules() -> list[tuple[str, Path]]:
    found = []
    for top in ("service", "infra", "handlers", "training_images"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def imports(name: str, path: Path) -> Iterator[str]:
    """Every module named by an import statement, wherever in the file it stands."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                ancestors = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*ancestors, base] if base else ancestors)
            # `from service import errors` names service.errors; `from service.errors import X` names service.errors.X
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def row_of(module: str) -> int | None:
    matches = [(len(room), index) for index, row in enumerate(ROWS) for room in row if within(module, room)]
    return max(matches)[1] if matches else None


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_left_never_imports_right(name: str, path: Path) -> None:
    for room, allowed in SEPARATE.items():
        if within(name, room):
            for target in imports(name, path):
                if target.split(".")[0] in {"service", "infra", "handlers", "training_images"}:
                    assert any(within(target, good) for good in allowed), f"{name} imports {target}"
            return
    mine = row_of(name)
    if mine is None:
        assert name in {"service", "infra"}, f"{name} has no room in ROWS"
        return
    for target in imports(name, path):
        theirs = row_of(target)
        if theirs is not None:
            assert theirs <= mine, f"{name} imports {target}, which lies to its right"
        assert not within(target, "training_images"), f"{name} imports {target}"


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_heavy_packages_stay_in_their_rooms(name: str, path: Path) -> None:
    for target in imports(name, path):
        package = target.split(".")[0]
        if package in CONFINED:
            # A file that splits off a room's file keeps its name as a prefix: service.compose_ar_cnn.
            assert any(name.startswith(room) for room in CONFINED[package]), f"{name} imports {package}"


def test_every_room_named_here_exists() -> None:
    named = (
        {room for row in ROWS for room in row} | set(SEPARATE) | {room for rooms in CONFINED.values() for room in rooms}
    )
    assert named - {name for name, _ in modules()} == set()


@pytest.mark.parametrize("room", STANDARD_LIBRARY_ONLY)
def test_the_pure_rooms_import_only_the_standard_library(room: str) -> None:
    import sys

    for name, path in modules():
        if within(name, room):
            for target in imports(name, path):
                top = target.split(".")[0]
                ours = target.startswith(("service.errors", room))
                assert ours or top in sys.stdlib_module_names, f"{name} imports {target}"
