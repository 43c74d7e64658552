"""Secret access keys of IAM users from the system's own generator: moto takes them from one that can be guessed."""

from moto.iam.models import AccessKey, IAMBackend

from infra.local.account import random_secret
from infra.local.moto_services import BACKENDS


def install(account: str) -> None:
    """From now on; for an account whose IAM has not been asked anything yet."""
    BACKENDS["iam"][account].backend = StrongIAMBackend


class StrongIAMBackend(IAMBackend):
    def create_access_key(self, user_name: str, prefix: str = "AKIA", status: str = "Active") -> AccessKey:
        key = super().create_access_key(user_name, prefix, status)
        key.secret_access_key = random_secret()
        return key
