"""KMS in front of moto's: a key that is disabled or about to be deleted does nothing, as on AWS.

moto keeps the state of a key and never asks for it; it changes the state of a key that is named by its id only, where
AWS takes the ARN as well; and it gives no usage to a key for which none was asked.
"""

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

from infra.local.http import LocalRequest, LocalResponse
from infra.local.moto_host import Answer
from infra.local.moto_services import BACKENDS
from infra.local.operations import TARGET_PREFIXES
from infra.local.protocol_errors import error_response

# The operations that use keys, with the members that name them. moto's ciphertexts begin with their key's id.
_KEY_MEMBERS: dict[str, tuple[str, ...]] = {
    "Decrypt": ("KeyId", "CiphertextBlob"),
    "Encrypt": ("KeyId",),
    "GenerateDataKey": ("KeyId",),
    "GenerateDataKeyWithoutPlaintext": ("KeyId",),
    "GenerateMac": ("KeyId",),
    "ReEncrypt": ("SourceKeyId", "CiphertextBlob", "DestinationKeyId"),
    "Sign": ("KeyId",),
    "Verify": ("KeyId",),
    "VerifyMac": ("KeyId",),
}
_CHANGES_OF_STATE = frozenset({"CancelKeyDeletion", "DisableKey", "EnableKey", "ScheduleKeyDeletion"})
_CIPHERTEXT = "CiphertextBlob"
_USUAL_SPEC, _USUAL_USE = "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"
_KEY_ID_LENGTH = 36


class UsableKeys:
    """Answers KMS's requests; those that would use a key ask for its state first."""

    def __init__(self, account: str) -> None:
        self._account = account

    def handle(self, request: LocalRequest, region: str, answer: Answer) -> LocalResponse:
        operation = request.headers.get("x-amz-target", "").removeprefix(TARGET_PREFIXES["kms"])
        if operation in _KEY_MEMBERS:
            for key in self._named_keys(operation, request.body, region):
                if key.key_state == "Disabled":
                    return error_response("kms", 400, "DisabledException", f"{key.arn} is disabled.")
                if key.key_state != "Enabled":
                    message = f"{key.arn} is pending deletion."
                    return error_response("kms", 400, "KMSInvalidStateException", message)
        if operation in _CHANGES_OF_STATE:
            request = _with_the_keys_id(request)
        elif operation == "CreateKey":
            request = _with_the_keys_usage(request)
        return answer(request)

    def _named_keys(self, operation: str, body: bytes, region: str) -> list[Any]:
        """The keys that the request names and that exist; what else is wrong with it is for others to say."""
        backend = BACKENDS["kms"][self._account][region]
        try:
            members = json.loads(body)
            named = [members[name] for name in _KEY_MEMBERS[operation] if name != _CIPHERTEXT and name in members]
            ids = [backend.any_id_to_key_id(name) for name in named]
            if _CIPHERTEXT in _KEY_MEMBERS[operation]:
                ids.append(b64decode(members[_CIPHERTEXT])[:_KEY_ID_LENGTH].decode("ascii"))
        except (AttributeError, LookupError, TypeError, ValueError):
            return []
        return [backend.keys[key_id] for key_id in ids if key_id in backend.keys]


def _with_the_keys_usage(request: LocalRequest) -> LocalRequest:
    """The request with the usage that a symmetric key has on AWS when none is asked for."""
    try:
        members = {"KeyUsage": _USUAL_USE, **json.loads(request.body)}
        spec = members.get("KeySpec") or members.get("CustomerMasterKeySpec") or _USUAL_SPEC
    except (TypeError, ValueError):
        return request
    if spec != _USUAL_SPEC:
        return request
    return replace(request, body=json.dumps(members).encode())


def _with_the_keys_id(request: LocalRequest) -> LocalRequest:
    """The request with the id of the key where it had the ARN."""
    try:
        members = json.loads(request.body)
        arn, _, key_id = members["KeyId"].partition(":key/")
    except (AttributeError, LookupError, TypeError, ValueError):
        return request
    if not (arn.startswith("arn:") and key_id):
        return request
    return replace(request, body=json.dumps(members | {"KeyId": key_id}).encode())
