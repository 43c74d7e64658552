"""Every error the API can answer, each with its AWS name and HTTP status.

ServiceError
├── ValidationException                    400  a field is missing, of the wrong type, or breaks a rule
├── AccessDeniedException                  403  authenticated, but not allowed
├── ResourceNotFoundException              404  no such composition, model, melody …
├── ConflictException                      409  the resource changed, or is in a state that forbids this
├── ServiceQuotaExceededException          402  a limit on how much an account may keep
├── ThrottlingException                    429  too much at once; try again later
├── InternalServerException                500  our fault
├── ServiceUnavailableException            503  what is stored cannot be changed for the moment; try again later
├── AuthenticationError                    403  the signature says nothing we can trust
│   ├── MissingAuthenticationTokenException
│   ├── UnrecognizedClientException
│   ├── InvalidSignatureException
│   ├── IncompleteSignatureException       400
│   └── ExpiredTokenException
├── UnknownOperationException              404  no operation has this method and path
├── SerializationException                 400  the body is not the JSON it says it is
└── RequestEntityTooLargeException         413  the body is larger than any request may be
"""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule: the wire name of the field (a path such as `tags.0.key`) and the rule in a sentence."""

    name: str
    message: str


class ServiceError(Exception):
    """An answer to the caller that is not a success. The class name is the AWS error code."""

    status: ClassVar[int] = 500
    fault: ClassVar[str] = "client"

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.members = members  # further members of the error shape, in wire names

    @property
    def code(self) -> str:
        return type(self).__name__


class ValidationException(ServiceError):
    status = 400

    def __init__(self, message: str, *, reason: str = "FIELD_VALIDATION_FAILED", fields: tuple[FieldError, ...] = ()):
        listed = [{"name": f.name, "message": f.message} for f in fields]
        super().__init__(message, reason=reason, fieldList=listed)
        self.reason = reason
        self.fields = fields

    @classmethod
    def of(cls, *fields: FieldError) -> "ValidationException":
        """The error for one or more broken fields, worded as AWS words it."""
        found = "1 validation error" if len(fields) == 1 else f"{len(fields)} validation errors"
        told = "; ".join(f"{f.name}: {f.message}" for f in fields)
        return cls(f"{found} detected: {told}", fields=fields)


class AccessDeniedException(ServiceError):
    status = 403


def denial_sentence(caller_arn: str, action: str, resource: str, reason: str) -> str:
    """A denial in AWS's words. `reason` is what comes before `the ACTION action`."""
    return (
        f"User: {caller_arn} is not authorized to perform: {action} on resource: {resource} "
        f"because {reason} the {action} action"
    )


class ResourceNotFoundException(ServiceError):
    status = 404

    def __init__(self, message: str, *, resource_id: str, resource_type: str):
        super().__init__(message, resourceId=resource_id, resourceType=resource_type)


class ConflictException(ServiceError):
    status = 409

    def __init__(self, message: str, *, resource_id: str = "", resource_type: str = ""):
        super().__init__(message, resourceId=resource_id, resourceType=resource_type)


class ServiceQuotaExceededException(ServiceError):
    status = 402


class ThrottlingException(ServiceError):
    status = 429

    def __init__(self, message: str, *, retry_after_seconds: int = 1):
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class InternalServerException(ServiceError):
    status = 500
    fault = "server"


class ServiceUnavailableException(ServiceError):
    status = 503
    fault = "server"


class AuthenticationError(ServiceError):
    status = 403


class MissingAuthenticationTokenException(AuthenticationError):
    pass


class UnrecognizedClientException(AuthenticationError):
    pass


class InvalidSignatureException(AuthenticationError):
    pass


class IncompleteSignatureException(AuthenticationError):
    status = 400


class ExpiredTokenException(AuthenticationError):
    pass


class UnknownOperationException(ServiceError):
    status = 404


class SerializationException(ServiceError):
    status = 400


class RequestEntityTooLargeException(ServiceError):
    status = 413
