import re

from service.api.app import all_operations
from service.api.reference import PAGE, page


def test_the_reference_is_what_the_declarations_give() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m service.api.reference"


def test_every_operation_has_its_section() -> None:
    text = page()
    for operation in all_operations():
        assert f"\n### {operation.name}\n" in text


def test_every_link_leads_to_a_heading() -> None:
    text = page()
    headings = {heading.lower() for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(#([a-z]+)\)", text):
        assert target in headings
