"""moto's inside is as it was when our overlay was fitted to it; see tests/moto_internals.py."""

from pathlib import Path

import pytest

from tests.moto_internals import digest, pinned

ROOT = Path(__file__).parents[4]
ADVICE = "see tests/moto_internals.py for what to do after an upgrade of moto"


@pytest.mark.parametrize("file", pinned())
def test_what_a_file_leans_on_in_moto_is_unchanged(file: str) -> None:
    assert (ROOT / file).exists()
    changed = [symbol for symbol, expected in pinned()[file].items() if found(symbol) != expected]
    assert changed == [], f"{file} leans on what has changed in moto; {ADVICE}"


def found(symbol: str) -> str:
    try:
        return digest(symbol)
    except LookupError:
        return "gone"


def test_a_symbol_that_moto_does_not_have_is_noticed() -> None:
    for symbol in ("moto.dynamodb.models.table:Table.gone", "moto.gone.models:Table"):
        with pytest.raises(LookupError):
            digest(symbol)


def test_a_change_of_the_source_changes_the_digest() -> None:
    assert digest("moto.dynamodb.models.table:Table.query") != digest("moto.dynamodb.models.table:Table.scan")
    assert digest("moto.dynamodb.models.table:RESULT_SIZE_LIMIT") != digest("moto.dynamodb.models.table:Table")
