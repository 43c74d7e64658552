"""Errors on the wire: the shape of each, and the one place where an exception becomes an answer.

The body holds `message` and the error's further members; the header `x-amzn-ErrorType` names the error.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from service.api.problems import field_errors
from service.api.request_ids import stamp
from service.api.shape import AnswerShape
from service.errors import (
    AccessDeniedException,
    ConflictException,
    InternalServerException,
    RequestEntityTooLargeException,
    ResourceNotFoundException,
    SerializationException,
    ServiceError,
    ServiceQuotaExceededException,
    ServiceUnavailableException,
    ThrottlingException,
    UnknownOperationException,
    ValidationException,
)
from service.storage.failures import is_unavailable

log = logging.getLogger(__name__)

COMMON_ERRORS: tuple[type[ServiceError], ...] = (
    AccessDeniedException,
    InternalServerException,
    ServiceUnavailableException,
    ThrottlingException,
    ValidationException,
)


class ErrorShape(AnswerShape):
    message: str


class ValidationExceptionField(AnswerShape):
    """One member of a request that breaks a rule."""

    name: str = Field(description="The member's name, a path such as tags.0.key where it is inside another.")
    message: str = Field(description="The rule that it breaks.")


class ValidationExceptionShape(ErrorShape):
    """The request breaks a rule."""

    reason: str = Field(description="FIELD_VALIDATION_FAILED, or what else was wrong.")
    field_list: list[ValidationExceptionField]


class AccessDeniedExceptionShape(ErrorShape):
    """The caller is known, but not allowed to do this."""


class ResourceNotFoundExceptionShape(ErrorShape):
    """There is no such composition, model or melody."""

    resource_id: str
    resource_type: str


class ConflictExceptionShape(ErrorShape):
    """The resource has changed, or is in a state that forbids this; or the token was used with other parameters."""

    resource_id: str
    resource_type: str


class ServiceQuotaExceededExceptionShape(ErrorShape):
    """The account has as many of these as it may have."""


class ThrottlingExceptionShape(ErrorShape):
    """Too many requests at once: try again later."""


class InternalServerExceptionShape(ErrorShape):
    """The service failed. Trying again may help."""


class ServiceUnavailableExceptionShape(ErrorShape):
    """Nothing can be stored for the moment, and nothing was changed: try again later."""


ERROR_SHAPES: dict[type[ServiceError], type[BaseModel]] = {
    ValidationException: ValidationExceptionShape,
    AccessDeniedException: AccessDeniedExceptionShape,
    ResourceNotFoundException: ResourceNotFoundExceptionShape,
    ConflictException: ConflictExceptionShape,
    ServiceQuotaExceededException: ServiceQuotaExceededExceptionShape,
    ThrottlingException: ThrottlingExceptionShape,
    InternalServerException: InternalServerExceptionShape,
    ServiceUnavailableException: ServiceUnavailableExceptionShape,
}


def response_declarations(errors: Sequence[type[ServiceError]]) -> dict[int | str, dict[str, Any]]:
    """These errors as FastAPI's `responses`. They have a status each, so that a status names an error."""
    declared: dict[int | str, dict[str, Any]] = {
        error.status: {"model": ERROR_SHAPES[error], "description": error.__name__} for error in errors
    }
    if len(declared) < len(errors):
        raise ValueError("two errors of one operation have the same status")
    return declared | {"default": {"model": ErrorShape, "description": "Any other error of the AWS protocol."}}


def as_service_error(error: Exception) -> ServiceError:
    """The error to answer with. An unforeseen exception is logged whole and told to nobody."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, RequestValidationError):
        return ValidationException.of(*field_errors(error.errors()))
    if isinstance(error, HTTPException) and error.status_code in (404, 405):
        return UnknownOperationException("No operation of this service has this method and path.")
    if isinstance(error, HTTPException) and error.status_code == 413:
        return RequestEntityTooLargeException("The body of the request is too large.")
    if isinstance(error, HTTPException) and error.status_code < 500:
        return SerializationException("The request could not be read.")
    if is_unavailable(error):
        log.warning("AWS is unavailable: %s", error)
        return ServiceUnavailableException("The service can store nothing for the moment. Please try again.")
    log.error("unforeseen exception", exc_info=error)
    return InternalServerException("The service failed to carry out the request.")


def error_response(error: ServiceError) -> Response:
    body = {"message": error.message} | {name: value for name, value in error.members.items() if value is not None}
    headers = {"x-amzn-ErrorType": error.code}
    if isinstance(error, ThrottlingException):
        headers["Retry-After"] = str(error.retry_after_seconds)
    # ASCII only: a message may quote text from the request that UTF-8 cannot carry, such as half a surrogate pair
    content = json.dumps(body, ensure_ascii=True).encode("ascii")
    return Response(content, status_code=error.status, headers=headers, media_type="application/json")


async def answer_exception(request: Request, error: Exception) -> Response:
    """Starlette's handler for exceptions outside of the routes, such as an unknown path."""
    return stamp(request, error_response(as_service_error(error)))
