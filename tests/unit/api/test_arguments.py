"""What may be declared for an operation: nothing that would silently not be read."""

from typing import Annotated, Any

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, Query, Request
from pydantic import BaseModel

from service.api.wire import RestJsonRoute


class One(BaseModel):
    one: str = ""


async def of_more(request: Request, number: int) -> int:
    return number


def no_coroutine(request: Request) -> int:
    return 1


async def takes_a_header(name: Annotated[str, Header()]) -> Any: ...
async def takes_a_cookie(name: Annotated[str, Cookie()]) -> Any: ...
async def takes_two_query_parameters(one: str, two: str) -> Any: ...
async def takes_a_plain_query_parameter(one: str) -> Any: ...
async def takes_two_bodies(one: One, two: One) -> Any: ...
async def depends_on_more(value: Annotated[int, Depends(of_more)]) -> Any: ...
async def depends_on_no_coroutine(value: Annotated[int, Depends(no_coroutine)]) -> Any: ...
async def takes_a_model(query: Annotated[One, Query()]) -> Any: ...


def declare(endpoint: Any) -> None:
    app = FastAPI()
    app.router.route_class = RestJsonRoute
    app.add_api_route("/", endpoint, methods=["POST"], openapi_extra={"x-aws-iam": {}})


@pytest.mark.parametrize(
    "endpoint",
    [
        takes_a_header,
        takes_a_cookie,
        takes_two_query_parameters,
        takes_a_plain_query_parameter,
        takes_two_bodies,
    ],
)
def test_what_would_not_be_read_cannot_be_declared(endpoint: Any) -> None:
    with pytest.raises(TypeError, match="an operation takes path parameters, one model of the query and a body"):
        declare(endpoint)


@pytest.mark.parametrize("endpoint", [depends_on_more, depends_on_no_coroutine])
def test_a_dependency_is_a_coroutine_function_of_the_request(endpoint: Any) -> None:
    with pytest.raises(TypeError, match="must be a coroutine function of the request"):
        declare(endpoint)


def test_a_model_of_the_query_can_be_declared() -> None:
    declare(takes_a_model)
