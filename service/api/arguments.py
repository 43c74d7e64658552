"""What an operation's function is called with: what it depends on, and what the request says in path, query and body.

FastAPI knows all of it from the function's annotations, and would go through it for each request anew, looking at
everything that an argument might be: a third of what it costs to answer one. Ours are few kinds: dependencies that are
functions of the request, each called once and before anything is validated; names in the path; one model of the query;
one of the body. All of them are validated by the models that FastAPI has made.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

LIST_PARAMETERS = frozenset({"tagKeys"})

Give = Callable[[Request], Awaitable[Any]]


class Arguments:
    """Those of one route's function, as FastAPI understood its declaration."""

    def __init__(self, declared: Dependant) -> None:
        """Raises TypeError for what is declared and would not be read."""
        models = (declared.query_params, declared.body_params)
        if declared.header_params or declared.cookie_params or not all(map(_is_one_model_at_most, models)):
            raise TypeError(f"{declared.call}: an operation takes path parameters, one model of the query and a body")
        self._declared = declared
        self.depends_on: tuple[Give, ...] = tuple(dict.fromkeys(_function(one) for one in declared.dependencies))
        self._given = {one.name: _function(one) for one in declared.dependencies if one.name is not None}

    async def of(self, request: Request) -> dict[str, Any]:
        """By name. Raises what a dependency raises, else RequestValidationError with everything that is wrong."""
        values = {give: await give(request) for give in self.depends_on}
        arguments = {name: values[give] for name, give in self._given.items()}
        errors: list[Any] = []
        for field, sent, location in self._sent(request, await request.json() if self._declared.body_params else None):
            arguments[field.name], found = field.validate(sent, loc=location)
            errors += found
        if errors:
            raise RequestValidationError(errors)
        return arguments

    def _sent(self, request: Request, body: Any) -> Iterator[tuple[Any, Any, tuple[str, ...]]]:
        """Each field with what was sent for it, and where that stood."""
        for field in self._declared.path_params:
            yield field, request.path_params[field.alias], ("path", field.alias)
        for field in self._declared.query_params:
            yield field, _query(request.scope["query_string"]), ("query",)
        for field in self._declared.body_params:
            yield field, body, ("body",)


def _query(text: bytes) -> dict[str, Any]:
    """The parameters by name: those that may be given several times as lists, of all others the one that was given."""
    parameters: dict[str, Any] = {}
    for name, value in parse_qsl(text.decode("latin-1"), keep_blank_values=True):
        if name in LIST_PARAMETERS:
            parameters.setdefault(name, []).append(value)
        else:
            parameters[name] = value
    return parameters


def _is_one_model_at_most(fields: Sequence[Any]) -> bool:
    return len(fields) <= 1 and all(_is_model(field.field_info.annotation) for field in fields)


def _is_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)


def _function(dependency: Dependant) -> Give:
    give = dependency.call
    if not inspect.iscoroutinefunction(give) or len(inspect.signature(give).parameters) != 1:
        raise TypeError(f"{give} must be a coroutine function of the request")
    return give
