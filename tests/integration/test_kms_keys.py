"""KMS by boto3: the state of a key decides what can be done with it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from hosting import hosted_account

from infra.local.dispatch import Dispatch
from infra.local.kms_keys import UsableKeys

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with hosted_account(tmp_path_factory.mktemp("kms")) as host:
        host.put_in_front("kms", UsableKeys(ACCOUNT).handle)
        session = Dispatch(host).session(Credentials("ASIAEXAMPLE", "secret", "token"))
        yield session.client("kms", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def key(kms: Any) -> str:
    return kms.create_key()["KeyMetadata"]["Arn"]


def test_a_disabled_key_does_nothing_until_it_is_enabled(kms: Any, key: str) -> None:
    sealed = kms.encrypt(KeyId=key, Plaintext=b"music")["CiphertextBlob"]
    kms.create_alias(AliasName="alias/of-a-disabled-key", TargetKeyId=key)
    kms.disable_key(KeyId=key)
    for name in (key, key.rpartition("/")[2], "alias/of-a-disabled-key"):
        with pytest.raises(kms.exceptions.DisabledException):
            kms.encrypt(KeyId=name, Plaintext=b"music")
    with pytest.raises(kms.exceptions.DisabledException):
        kms.decrypt(CiphertextBlob=sealed)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"music"


def test_nothing_is_encrypted_again_for_a_disabled_key(kms: Any, key: str) -> None:
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"music")["CiphertextBlob"]
    again = kms.re_encrypt(CiphertextBlob=sealed, DestinationKeyId=other)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=again)["Plaintext"] == b"music"
    kms.disable_key(KeyId=other)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.re_encrypt(CiphertextBlob=sealed, DestinationKeyId=other)


def test_a_key_that_awaits_its_deletion_does_nothing(kms: Any, key: str) -> None:
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.encrypt(KeyId=key, Plaintext=b"music")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_what_is_no_ciphertext_is_told_so(kms: Any) -> None:
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=b"\xff" * 50)
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.encrypt(KeyId="alias/of-nothing", Plaintext=b"music")


def test_a_key_encrypts_and_decrypts_unless_something_else_is_asked_for(kms: Any) -> None:
    assert kms.create_key()["KeyMetadata"]["KeyUsage"] == "ENCRYPT_DECRYPT"
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    assert signing["KeyUsage"] == "SIGN_VERIFY"
