"""What DynamoDB and S3 could not do for the moment."""

from botocore.exceptions import ClientError

_UNAVAILABLE = 503


def is_unavailable(error: Exception) -> bool:
    """Whether an AWS service asks to be tried again later: overloaded, or out of room where the local AWS plays it."""
    return isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] == _UNAVAILABLE
