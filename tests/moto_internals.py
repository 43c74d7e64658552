"""What of moto's inside we lean on, pinned by its source: an upgrade of moto must not change it without being noticed.

moto_internals.json has, for each of our files, the symbols ("module:Class.method", "module:CONSTANT") and a digest of
the source text of each. After an upgrade, for each symbol that `test_moto_internals.py` names: read what changed in
moto, see that our file still fits, run the tests of both with `-m ''`, and only then

    python -m tests.moto_internals                     pin all symbols as they are now
    python -m tests.moto_internals FILE SYMBOL …       lean on more of them
"""

import ast
import json
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

import moto

PINS = Path(__file__).with_name("moto_internals.json")

_MOTO = Path(moto.__file__).parent


def pinned() -> dict[str, dict[str, str]]:
    """By our file: the digests of moto's symbols."""
    return json.loads(PINS.read_text())


def digest(symbol: str) -> str:
    """Of the symbol's source as it is installed, not of what may have been put in its place in this process.

    Raises LookupError when there is no such symbol.
    """
    module, _, name = symbol.partition(":")
    path = _MOTO.parent / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.exists():
        raise LookupError(f"moto has no module {module}")
    lines, node = _parsed(file)
    for part in name.split("."):
        node = _member(node, part, symbol)
    assert isinstance(node, ast.stmt)
    text = lines[node.lineno - 1 : node.end_lineno]
    text[-1] = text[-1][: node.end_col_offset]
    text[0] = text[0][node.col_offset :]
    return sha256(b"".join(text)).hexdigest()[:16]


@cache
def _parsed(file: Path) -> tuple[list[bytes], ast.AST]:
    """A module's lines, in whose bytes its nodes are placed, and its tree."""
    source = file.read_bytes()
    return source.splitlines(keepends=True), ast.parse(source)


def pin(added: dict[str, list[str]]) -> None:
    """Writes down every pinned symbol, and the added ones, as they are now."""
    symbols = {file: set(digests) for file, digests in pinned().items()} if PINS.exists() else {}
    for file, names in added.items():
        symbols.setdefault(file, set()).update(names)
    pins = {file: {name: digest(name) for name in sorted(names)} for file, names in sorted(symbols.items())}
    PINS.write_text(json.dumps(pins, indent=2) + "\n")


def _member(scope: ast.AST, name: str, symbol: str) -> ast.AST:
    found = [node for node in ast.iter_child_nodes(scope) if name in _names(node)]
    if not found:
        raise LookupError(f"moto has no {symbol}")
    return found[-1]  # the last one of a name is the one that counts


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


if __name__ == "__main__":
    pin({sys.argv[1]: sys.argv[2:]} if len(sys.argv) > 2 else {})
