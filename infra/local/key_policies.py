"""Policies of KMS keys as text: moto keeps one that a template gave as an object, and cannot describe its key then."""

import json
from typing import Any

from moto.kms.models import Key, KmsBackend

from infra.local.moto_services import BACKENDS


def install(account: str) -> None:
    """From now on; for an account whose KMS has not been asked anything yet."""
    BACKENDS["kms"][account].backend = TextPoliciesBackend


class TextPoliciesBackend(KmsBackend):
    def create_key(self, policy: Any, *arguments: Any, **options: Any) -> Key:
        text = json.dumps(policy) if isinstance(policy, dict) else policy
        return super().create_key(text, *arguments, **options)
