from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.checksums import CHECKSUMS, ChecksumError, Checksums


def digest(name: str, *pieces: bytes) -> bytes:
    taken = CHECKSUMS[name]()
    for piece in pieces:
        taken.update(piece)
    return taken.digest()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-md5", "25f9e794323b453885f5181f1b624d0b"),
        ("x-amz-checksum-crc32", "cbf43926"),
        ("x-amz-checksum-crc32c", "e3069283"),
        ("x-amz-checksum-crc64nvme", "ae8b14860a799888"),
        ("x-amz-checksum-sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("x-amz-checksum-sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_the_check_values_of_the_catalogues(name, value):
    assert digest(name, b"123456789").hex() == value


@given(st.sampled_from(sorted(CHECKSUMS)), st.lists(st.binary(max_size=50), max_size=6))
def test_any_split_of_a_body_has_the_same_checksum(name, pieces):
    assert digest(name, *pieces) == digest(name, b"".join(pieces))
    assert digest(name, *map(memoryview, pieces)) == digest(name, b"".join(pieces))


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
def test_a_body_is_held_to_each_of_its_checksums(name):
    header = b64encode(digest(name, b"Ode to Joy")).decode()
    right, wrong = Checksums([name]), Checksums([name])
    right.update(b"Ode to Joy")
    right.check({name: header, "other": "x"})
    assert right.values() == {name: header}
    wrong.update(b"Ode to Jo")
    with pytest.raises(ChecksumError) as caught:
        wrong.check({name: header})
    assert caught.value.code == "BadDigest"


def test_a_checksum_that_is_not_base64_is_invalid():
    with pytest.raises(ChecksumError, match="x-amz-checksum-crc32 header is invalid") as caught:
        Checksums(["x-amz-checksum-crc32"]).check({"x-amz-checksum-crc32": "no!"})
    assert caught.value.code == "InvalidRequest"
