"""The parts of docs/ that come from tables in the code: `python -m tests.documents` writes, a test compares them."""

import re
from collections.abc import Callable
from pathlib import Path

from infra.local.supported import as_markdown

DOCS = Path(__file__).parent.parent / "docs"

# The page, the marker in it, and what stands between the marker's begin and end.
GENERATED: tuple[tuple[str, str, Callable[[], str]], ...] = (("local-aws.md", "supported", as_markdown),)


def with_generated(page: str, marker: str, content: str) -> str:
    """The page's text with `content` between its markers. Raises ValueError when it has no such markers."""
    begin, end = f"<!-- {marker}: begin -->\n", f"<!-- {marker}: end -->"
    changed, count = re.subn(f"{begin}.*?{end}", lambda _: begin + content + end, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the markers of {marker} occur {count} times")
    return changed


if __name__ == "__main__":
    for name, marker, content in GENERATED:
        path = DOCS / name
        path.write_text(with_generated(path.read_text(), marker, content()))
