"""Server-side encryption of S3's objects: which key protects an object, and the object's own key wrapped under it.

Every object has a random key of its own. SSE-S3, the default of every object as on AWS, wraps it under the data
folder's key for objects; SSE-KMS under a key of the account's KMS, with the object's ARN as encryption context. A key
that is disabled or about to be deleted opens nothing, and one that is gone takes its objects with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.s3.exceptions import S3ClientError

from infra.local.durable.errors import DamagedError
from infra.local.durable.keyring import Sealer

SSE_S3 = "AES256"
SSE_KMS = "aws:kms"
SSE_KMS_TWICE = "aws:kms:dsse"
MANAGED_KEY = "alias/aws/s3"

KmsOfRegion = Callable[[str], Any]


_NOT_CARRIED_OUT = (
    "x-amz-server-side-encryption-customer-",
    "x-amz-copy-source-server-side-encryption-customer-",
    "x-amz-server-side-encryption-context",
)


@dataclass(frozen=True, slots=True)
class Protection:
    """How an object is encrypted: SSE_S3, or SSE_KMS under the key with this ARN."""

    algorithm: str = SSE_S3
    key_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A version of an object, or a part of an upload (`key` is then the upload's id, and `n` the part's number)."""

    kind: str
    bucket: str
    key: str
    n: int

    @property
    def name(self) -> bytes:
        """Names the place in what is sealed for it."""
        bucket, key = self.bucket.encode(), self.key.encode()
        return b"%b %b\0%b\0%d" % (self.kind.encode(), bucket, key, self.n)

    @property
    def context(self) -> dict[str, str]:
        """The same as an encryption context of KMS."""
        return {"aws:s3:arn": f"arn:aws:s3:::{self.bucket}/{self.key}", "chorale:place": f"{self.kind} {self.n}"}


def refuse_other_encryption(headers: Mapping[str, str], default: bytes = b"") -> None:
    """Raises S3ClientError for what is asked for and would not be done: keys of the client's own, two layers.

    `default` is the XML of a bucket's own default.
    """
    for name in headers:
        if name.startswith(_NOT_CARRIED_OUT):
            raise S3ClientError("NotImplemented", f"The header {name} is not part of the local AWS.")
    if headers.get("x-amz-server-side-encryption") == SSE_KMS_TWICE or SSE_KMS_TWICE.encode() in default:
        raise S3ClientError("NotImplemented", f"The encryption {SSE_KMS_TWICE} is not part of the local AWS.")


class ObjectEncryption:
    """Wraps the keys of objects. `kms` gives moto's KMS of a region."""

    def __init__(self, objects_key: bytes, kms: KmsOfRegion) -> None:
        self._own = Sealer(objects_key)
        self._kms = kms

    def protection(self, algorithm: str | None, key_id: str | None, region: str) -> Protection:
        """What a request, or its bucket's default, asks for. Raises S3ClientError.

        `key_id` may be a key's id or ARN, or an alias; without one SSE-KMS means the account's key for S3, which is
        made when it is first needed.
        """
        if algorithm in (None, SSE_S3):
            if key_id:
                raise S3ClientError(
                    "InvalidArgument",
                    "Server Side Encryption with AWS KMS managed key requires HTTP header "
                    "x-amz-server-side-encryption : aws:kms",
                )
            return Protection()
        if algorithm != SSE_KMS:
            raise S3ClientError("InvalidArgument", "The encryption method specified is not supported")
        return Protection(SSE_KMS, self._key(key_id or MANAGED_KEY, region).arn)

    def makes_managed_key(self, algorithm: str | None, key_id: str | None, region: str) -> bool:
        """Whether `protection` would make the account's key for S3, which is not there yet."""
        if algorithm != SSE_KMS or (key_id and not key_id.endswith(MANAGED_KEY)):
            return False
        return not self._kms(region).alias_exists(MANAGED_KEY)

    def wrap(self, key: bytes, protection: Protection, place: Place) -> bytes:
        """The object's key as it is stored. Raises S3ClientError."""
        if protection.key_arn is None:
            return self._own.seal(key, place.name)
        master = self._key_of(protection.key_arn)
        wrapped: bytes = self._kms(master.region).encrypt(master.id, key, place.context)[0]
        return wrapped

    def unwrap(self, wrapped: bytes, protection: Protection, place: Place) -> bytes:
        """The object's key again. Raises S3ClientError when KMS does not give it, DamagedError."""
        if protection.key_arn is None:
            return self._own.open(wrapped, place.name)
        master = self._key_of(protection.key_arn)
        try:
            key: bytes = self._kms(master.region).decrypt(wrapped, place.context)[0]
        except Exception:
            raise DamagedError(f"the key of {place.bucket}/{place.key} is damaged; run `chorale doctor`") from None
        return key

    def _key_of(self, arn: str) -> Any:
        return self._key(arn, arn.split(":")[3])

    def _key(self, key_id: str, region: str) -> Any:
        """A key that may be used. Raises S3ClientError."""
        backend = self._kms(region)
        try:
            key = backend.keys[backend.any_id_to_key_id(key_id)]
        except (AttributeError, KeyError):
            key = None
        if key is None or (key_id.startswith("arn:") and f":{region}:" not in key_id):
            raise S3ClientError("KMS.NotFoundException", f"Key '{key_id}' does not exist")
        if key.key_state == "Disabled":
            raise S3ClientError("KMS.DisabledException", f"{key.arn} is disabled.")
        if key.key_state != "Enabled":
            raise S3ClientError("KMS.KMSInvalidStateException", f"{key.arn} is pending deletion.")
        # moto leaves open what a key is for, when nobody said so.
        if key.key_spec != "SYMMETRIC_DEFAULT" or key.key_usage not in (None, "ENCRYPT_DECRYPT"):
            raise S3ClientError("KMS.InvalidKeyUsageException", f"{key.arn} is no key to encrypt data with.")
        return key
