"""What of moto's keys is written into rows, and comes back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.s3.models import FakeDeleteMarker, FakeKey, FakeMultipart, get_canned_acl

from infra.local.durable.s3.object_bodies import Body, BodyRow
from infra.local.durable.s3.object_keys import Origin, StoredKey
from infra.local.durable.s3.object_rows import DERIVED, PASSING, PLAIN, TRANSLATED, Rows, object_place

ROWS = Rows("111122223333", "aws")
ROW = BodyRow(7, True, b"wrapped")
OURS = {"body", "n", "tags"}


def stored_key(name: str = "key") -> StoredKey:
    key = FakeKey(name, b"", "111122223333", "aws", bucket_name="bucket", encryption="AES256")
    return StoredKey.make(key, Body(3, "0" * 32, b"abc"))


def reread(key: StoredKey | FakeDeleteMarker, name: bytes = b"key") -> Any:
    content = ROWS.write_version(key, None if isinstance(key, FakeDeleteMarker) else ROW)
    return ROWS.read_version("bucket", name, 5, content)


def test_every_attribute_of_motos_keys_is_kept_or_left_out_on_purpose() -> None:
    fresh = FakeKey("key", b"", "111122223333", "aws")
    known = {*PLAIN, *TRANSLATED, *DERIVED, *PASSING}
    assert set(vars(fresh)) == known
    fresh.dispose()


def test_every_attribute_of_motos_uploads_is_kept_or_left_out_on_purpose() -> None:
    stored = {"key_name", "metadata", "account_id", "region_name", "storage", "tags", "acl", "id"}
    stored |= {"sse_encryption", "kms_key_id"}
    assert set(vars(FakeMultipart("key", {}, "111122223333", "aws"))) == stored | {"parts", "partlist"}  # type: ignore[arg-type]


@given(
    st.text(max_size=20).filter(lambda text: text < "\ud800" or text > "\udfff"),
    st.dictionaries(st.text("abc-", min_size=1), st.text(st.characters(codec="latin-1")), max_size=3),
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=3),
    st.sampled_from(["private", "public-read", "log-delivery-write"]),
    st.sampled_from(PLAIN),
)
def test_a_key_comes_back_as_it_was(
    name: str, metadata: dict[str, str], tags: dict[str, str], acl: str, changed: str
) -> None:
    key = stored_key(name)
    key.set_metadata(dict(metadata))
    key.tags = tags
    key.acl = get_canned_acl(acl)
    key.multipart = Origin("upload", (5, 6))
    setattr(key, changed, "changed")
    found = reread(key, name.encode())
    expected = {name: value for name, value in vars(key).items() if name not in (*PASSING, "acl", "_metadata", *OURS)}
    assert {name: value for name, value in vars(found).items() if name in expected} == expected
    assert dict(found.metadata) == dict(key.metadata)
    assert repr(found.acl) == repr(key.acl)
    assert (found.tags, found.body, found.n) == (tags, ROW, 5)
    assert ROWS.write_version(found, ROW) == ROWS.write_version(key, ROW)


def test_a_key_without_an_acl_comes_back_without() -> None:
    key = stored_key()
    key.acl = None
    assert reread(key).acl is None


@pytest.mark.parametrize("upon_marker", [True, False])
def test_a_delete_marker_comes_back_as_it_was(upon_marker: bool) -> None:
    below: Any = FakeDeleteMarker(key=stored_key()) if upon_marker else stored_key()
    marker = FakeDeleteMarker(key=below)
    found = reread(marker)
    assert type(found) is FakeDeleteMarker
    assert (found.name, found.version_id, found.last_modified) == ("key", marker.version_id, marker.last_modified)
    assert (type(found.key) is FakeDeleteMarker) == upon_marker


def test_places_of_different_rows_differ() -> None:
    places = {object_place(bucket, key, n) for bucket in ("a", "a0") for key in (b"", b"0", b"\x000") for n in (1, 11)}
    assert len(places) == 12
