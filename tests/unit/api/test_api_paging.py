import base64

import pytest
from api_driver import COMPOSITION_ID, ApiDriver, LibraryDouble
from hypothesis import given
from hypothesis import strategies as st

from service.api.paging import PageTokens, page_of
from service.errors import ValidationException

TOKENS = PageTokens(b"secret", "ListCompositions", "123456789012")


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_token_gives_back_the_id_it_was_made_of(last_id: str) -> None:
    assert TOKENS.read(TOKENS.issue(last_id)) == last_id


def test_no_more_items_means_no_token() -> None:
    assert TOKENS.issue(None) is None
    assert TOKENS.read(None) is None


@pytest.mark.parametrize(
    "other",
    [
        PageTokens(b"other", "ListCompositions", "123456789012"),
        PageTokens(b"secret", "ListSampleModels", "123456789012"),
        PageTokens(b"secret", "ListCompositions", "210987654321"),
    ],
)
def test_a_token_is_of_no_use_elsewhere(other: PageTokens) -> None:
    token = TOKENS.issue(COMPOSITION_ID)
    with pytest.raises(ValidationException) as refused:
        other.read(token)
    assert refused.value.fields[0].name == "nextToken"


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_token_is_refused(position: int, change: int) -> None:
    token = TOKENS.issue(COMPOSITION_ID) or ""
    payload = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    payload[position % len(payload)] ^= change
    with pytest.raises(ValidationException):
        TOKENS.read(base64.urlsafe_b64encode(payload).decode().rstrip("="))


@given(st.text(max_size=200))
def test_invented_tokens_are_refused(token: str) -> None:
    with pytest.raises(ValidationException):
        TOKENS.read(token)


@given(st.lists(st.integers(), unique=True, max_size=20), st.integers(min_value=1, max_value=7))
def test_pages_together_hold_every_item_once(items: list[int], limit: int) -> None:
    found: list[int] = []
    after = None
    for _ in range(len(items) + 1):
        page, after = page_of(items, str, limit, after)
        assert len(page) <= limit
        found += page
        if after is None:
            break
    assert found == items


def test_the_next_page_begins_where_the_token_says(api: ApiDriver, library: LibraryDouble) -> None:
    library.last_id = COMPOSITION_ID
    token = api.send("GET", "/compositions", query="maxResults=1").json["nextToken"]
    api.send("GET", "/compositions", query=f"nextToken={token}")
    assert library.calls[1][2] == {"limit": 50, "after": COMPOSITION_ID}


def test_a_token_of_another_operation_is_refused_with_its_field_named(api: ApiDriver, library: LibraryDouble) -> None:
    library.last_id = COMPOSITION_ID
    token = api.send("GET", "/compositions").json["nextToken"]
    assert api.send("GET", "/sample-melodies", query=f"nextToken={token}").fields == ["nextToken"]
