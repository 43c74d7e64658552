"""How an operation is declared: once, beside the function that carries it out.

    compositions = Operations("Compositions")

    @compositions.get("/compositions/{compositionId:label}", resource="composition/{compositionId}", errors=(...))
    def get_composition(...) -> GetCompositionResponse: ...

The function's name gives the operation's (GetComposition), its annotations the request and the answer, its docstring
the documentation. `resource` is what the caller must be allowed to act on: `*`, a whole ARN in a path parameter, or
what follows the account in an ARN of ours. `:label` in a path is what AWS calls a label, see LabelConvertor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI
from pydantic.alias_generators import to_pascal
from starlette.convertors import Convertor, register_url_convertor

from service.api.errors import COMMON_ERRORS, response_declarations
from service.api.threads import AtOnce, at_once
from service.api.waiting import waiting
from service.errors import ServiceError


class LabelConvertor(Convertor[str]):
    """A label that is the rest of the path, whatever is in it: slashes and line breaks are for validation to refuse."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("label", LabelConvertor())

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """One operation of the API: its function, method and path, the resource it is authorized on, its own errors."""

    function: Callable[..., Any]
    family: str
    method: str
    path: str
    resource: str
    errors: tuple[type[ServiceError], ...]
    waits: bool = False  # for a result that others make
    at_once: AtOnce | None = None  # with which arguments it is done sooner than a thread would begin

    @property
    def name(self) -> str:
        return to_pascal(self.function.__name__)

    def add_to(self, app: FastAPI) -> None:
        errors = sorted({*self.errors, *COMMON_ERRORS}, key=lambda error: error.__name__)
        app.add_api_route(
            self.path,
            self._running(),
            methods=[self.method],
            operation_id=self.name,
            tags=[self.family],
            responses=response_declarations(errors),
            openapi_extra={
                "x-aws-iam": {"action": f"deepcomposer:{self.name}", "resource": self.resource},
                "x-aws-errors": [error.__name__ for error in errors],
            },
        )

    def _running(self) -> Callable[..., Any]:
        """The function, told where to run."""
        if self.at_once is not None:
            return at_once(self.function, self.at_once)
        return waiting(self.function) if self.waits else self.function


class Operations:
    """The operations of one family, in the order of their declaration."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.declared: list[Operation] = []

    def get(
        self,
        path: str,
        *,
        resource: str,
        errors: tuple[type[ServiceError], ...] = (),
        at_once: AtOnce | None = None,
    ) -> Any:
        return self._declare("GET", path, resource, errors, at_once=at_once)

    def post(
        self, path: str, *, resource: str, errors: tuple[type[ServiceError], ...] = (), waits: bool = False
    ) -> Any:
        return self._declare("POST", path, resource, errors, waits=waits)

    def patch(self, path: str, *, resource: str, errors: tuple[type[ServiceError], ...] = ()) -> Any:
        return self._declare("PATCH", path, resource, errors)

    def delete(self, path: str, *, resource: str, errors: tuple[type[ServiceError], ...] = ()) -> Any:
        return self._declare("DELETE", path, resource, errors)

    def _declare(
        self, method: str, path: str, resource: str, errors: tuple[type[ServiceError], ...], **runs: Any
    ) -> Callable[[Function], Function]:
        def declare(function: Function) -> Function:
            self.declared.append(Operation(function, self.family, method, path, resource, errors, **runs))
            return function

        return declare
