"""AWS's rest-json protocol: how a request is read and how an answer is sent.

A body is JSON of UTF-8 text whatever its content type says (old clients send application/x-amz-json-1.1), an absent
body is an empty object, and what JSON leaves open is refused: a name given twice, NaN, infinity.
"""

import functools
import inspect
import json
import math
from collections.abc import Callable, Coroutine, Iterable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.api.arguments import LIST_PARAMETERS, Arguments
from service.api.errors import as_service_error, error_response
from service.api.request_ids import stamp
from service.api.shape import AnswerShape
from service.api.threads import in_thread
from service.errors import FieldError, RequestEntityTooLargeException, SerializationException, ValidationException

MAX_BODY = 1_000_000  # bytes
MAX_MEMBERS = 100  # of one object: more than any shape has, and few enough to tell them all from the unknown ones

_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class RestJsonRoute(APIRoute):
    """A route that speaks rest-json. What it takes and answers is declared to FastAPI; every error gets AWS's form."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "x-aws-iam" not in (options.get("openapi_extra") or {}):
            raise TypeError(f"{endpoint.__name__} must declare its IAM action and resource")
        self._carry_out = _answering_bytes(endpoint)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        carry_out, self.arguments = self._carry_out, Arguments(self.dependant)
        arguments = self.arguments

        async def answer(request: Request) -> Response:
            try:
                response = await carry_out(**await arguments.of(await _read(request)))
            except Exception as error:
                response = error_response(as_service_error(error))
            return stamp(request, response)

        return answer


def _answering_bytes(endpoint: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Response]]:
    """The same function, its answer serialised."""

    def response(shape: AnswerShape) -> Response:
        return Response(shape.wire(), media_type="application/json")

    def carry_out(**named: Any) -> Response:
        return response(endpoint(**named))

    @functools.wraps(endpoint)
    async def answer(**named: Any) -> Response:
        return await in_thread(carry_out, **named)

    @functools.wraps(endpoint)
    async def answer_later(**named: Any) -> Response:
        return response(await endpoint(**named))

    return answer_later if inspect.iscoroutinefunction(endpoint) else answer


async def _read(request: Request) -> Request:
    """The request as FastAPI is to see it: body parsed, no content type, no signature among its query parameters."""
    scope = dict(request.scope)
    scope["query_string"] = _without_signature(scope["query_string"])
    if request.method not in _METHODS_WITH_BODY:
        return Request(scope, request.receive)
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
    read = Request(scope, request.receive)
    body = await _body(request)
    read._json = parse_object(body)
    read._body = body or b"{}"
    return read


async def _body(request: Request) -> bytes:
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise RequestEntityTooLargeException(f"The body of a request may have {MAX_BODY} bytes at most.")
        chunks.append(chunk)
    return b"".join(chunks)


def _without_signature(query: bytes) -> bytes:
    """The query string without the parameters of a presigned URL. A parameter that is not a list comes once."""
    if not query:
        return query
    kept = [part for part in query.split(b"&") if not part.lower().startswith(b"x-amz-")]
    if len(kept) < 2:
        return b"&".join(kept)
    names = [name for name, _ in parse_qsl(b"&".join(kept).decode("latin-1"), keep_blank_values=True)]
    twice = _first_repeated(name for name in names if name not in LIST_PARAMETERS)
    if twice is not None:
        raise ValidationException.of(FieldError(twice[:200], "must be given only once"))
    return b"&".join(kept)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body, by the strictest reading.

    Raises:
        SerializationException: it is not UTF-8, not JSON, not an object, or ambiguous.
    """
    if not body:
        return {}
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_number,
        )
    except UnicodeDecodeError:
        raise SerializationException("The body must be JSON in UTF-8.") from None
    except RecursionError:
        raise SerializationException("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise SerializationException(f"The body is not valid JSON: {error.msg} at character {error.pos}.") from None
    except ValueError:
        raise SerializationException("The body holds a number that is too long.") from None
    if not isinstance(value, dict):
        raise SerializationException("The body must be a JSON object.")
    return value


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_MEMBERS:
        raise SerializationException(f"The body holds an object with more than {MAX_MEMBERS} members.")
    twice = _first_repeated(name for name, _ in pairs)
    if twice is not None:
        raise SerializationException(f"The body names the member {twice[:200]!r} twice.")
    return dict(pairs)


def _first_repeated(names: Iterable[str]) -> str | None:
    seen = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _refuse_constant(name: str) -> float:
    raise SerializationException(f"The body holds {name}, which is not JSON.")


def _number(text: str) -> int | float:
    """JSON knows one kind of number: 100.0 is the whole number 100."""
    value = float(text)
    if not math.isfinite(value):
        raise SerializationException("The body holds a number too large for a double.")
    return int(value) if value.is_integer() else value
