"""Why a signature is refused, in words that belong to no protocol."""

from enum import Enum, auto


class Reason(Enum):
    """Why a signature is refused."""

    MISSING = auto()  # the request is not signed at all
    OUTDATED = auto()  # signed by Signature Version 2 or another scheme that is not accepted
    INCOMPLETE = auto()  # parts of the signature are missing or unreadable
    INCOMPLETE_QUERY = auto()  # the same of a signature in the query
    UNKNOWN_KEY = auto()  # no such access key
    INVALID_TOKEN = auto()  # the session token is not the one of this access key
    MISMATCH = auto()  # the signature is not the one that the secret key gives
    SKEWED = auto()  # signed too far from the server's time
    URL_EXPIRED = auto()  # a presigned URL past its X-Amz-Expires
    URL_NOT_YET_VALID = auto()  # a presigned URL dated in the future
    TOKEN_EXPIRED = auto()  # the session of the signer is over
    UNSIGNED_HEADERS = auto()  # headers that must be signed are not
    WRONG_SCOPE = auto()  # the credential scope names another day than the request, or a region that is not served
    NO_PAYLOAD_HASH = auto()  # S3 without x-amz-content-sha256
    BAD_PAYLOAD_HASH = auto()  # x-amz-content-sha256 is none of the values it may have
    BODY_MISMATCH = auto()  # the body is not the one whose hash was signed


class SignatureError(Exception):
    """A signature that proves nothing. `details` holds values that some protocols tell in members of their own."""

    def __init__(self, reason: Reason, message: str, **details: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.details = details
