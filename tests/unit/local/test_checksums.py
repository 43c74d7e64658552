from base64 import b64encode

import pytest

from infra.local.checksums import CHECKSUMS, ChecksumError, check_body, crc32, crc32c, crc64nvme


def test_the_check_values_of_the_catalogue_of_crcs():
    assert crc32(b"123456789").hex() == "cbf43926"
    assert crc32c(b"123456789").hex() == "e3069283"
    assert crc64nvme(b"123456789").hex() == "ae8b14860a799888"


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
def test_a_body_is_held_to_each_of_its_checksums(name):
    header = b64encode(CHECKSUMS[name](b"Ode to Joy")).decode()
    check_body({name: header, "other": "x"}, b"Ode to Joy")
    with pytest.raises(ChecksumError) as caught:
        check_body({name: header}, b"Ode to Jo")
    assert caught.value.code == "BadDigest"


def test_a_checksum_that_is_not_base64_is_invalid():
    with pytest.raises(ChecksumError, match="x-amz-checksum-crc32 header is invalid") as caught:
        check_body({"x-amz-checksum-crc32": "no!"}, b"")
    assert caught.value.code == "InvalidRequest"
