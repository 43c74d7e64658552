"""What routes depend on: functions of the request, called by the route itself, each once, before anything else is read.

FastAPI would do the same and much more, for a third of what it costs to answer a request; declared they are as ever,
with Depends, for a parameter or for the whole application.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import Request
from fastapi.params import Depends

Give = Callable[[Request], Awaitable[Any]]

_GIVEN = "chorale.given"  # in the ASGI scope: values of parameters, by name


class Dependencies:
    """Those of one route: `everywhere` are the application's, `endpoint` is a function that may have more."""

    def __init__(self, endpoint: Callable[..., Any], everywhere: Sequence[Depends] = ()) -> None:
        """Raises TypeError for a dependency that is no coroutine function of the request alone."""
        self.everywhere = tuple(_checked(dependency) for dependency in everywhere)
        self._named = {
            name: _checked(dependency)
            for name, parameter in inspect.signature(endpoint).parameters.items()
            if (dependency := _declared(parameter)) is not None
        }

    async def give(self, request: Request) -> None:
        """Puts the values of all parameters on the request. Raises what a dependency raises."""
        values = {give: await give(request) for give in dict.fromkeys((*self.everywhere, *self._named.values()))}
        request.scope[_GIVEN] = {name: values[give] for name, give in self._named.items()}

    def supplied_to(self, endpoint: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The endpoint without the parameters that are given, as FastAPI is to see it."""

        @functools.wraps(endpoint)
        async def run(given: Request, **named: Any) -> Any:
            return await endpoint(**given.scope[_GIVEN], **named)

        shown = inspect.signature(endpoint)
        others = [parameter for name, parameter in shown.parameters.items() if name not in self._named]
        request = inspect.Parameter("given", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
        run.__signature__ = shown.replace(parameters=[request, *others])  # type: ignore[attr-defined]
        return run


def _declared(parameter: inspect.Parameter) -> Depends | None:
    declared = [one for one in getattr(parameter.annotation, "__metadata__", ()) if isinstance(one, Depends)]
    return declared[0] if declared else None


def _checked(dependency: Depends) -> Give:
    give = dependency.dependency
    if not inspect.iscoroutinefunction(give) or len(inspect.signature(give).parameters) != 1:
        raise TypeError(f"{give} must be a coroutine function of the request")
    return give
