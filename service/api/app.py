"""The application: every operation, the authorization that each of them passes, and the form of every error."""

from collections.abc import Iterator
from typing import Any

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException

from service.api import audios, compositions, coupons, samples, tags
from service.api.auth import Authorizer, authorize, only_root
from service.api.errors import answer_exception
from service.api.operation import Operation
from service.api.services import ServicesOfApi
from service.api.wire import RestJsonRoute

FAMILIES = (compositions.operations, audios.operations, samples.operations, tags.operations, coupons.operations)

API_VERSION = "2019-12-02"


def create_app(services: ServicesOfApi, authorizer: Authorizer = only_root) -> FastAPI:
    """The API over these services. The gateway, or the Lambda handler, puts the Caller into the ASGI scope."""
    app = declare_app()
    app.state.library = services.library
    app.state.region = services.settings.region
    app.state.account = services.settings.account
    app.state.authorizer = authorizer
    return app


def declare_app() -> FastAPI:
    """The API as it is declared, without the services to carry it out: enough for its OpenAPI document."""
    app = FastAPI(
        title="DeepComposer",
        version=API_VERSION,
        description="Composes music from a melody with generative models.",
        dependencies=[Depends(authorize)],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        strict_content_type=False,
        exception_handlers={HTTPException: answer_exception},
    )
    app.router.route_class = RestJsonRoute
    for operation in all_operations():
        operation.add_to(app)
    return app


def all_operations() -> Iterator[Operation]:
    for family in FAMILIES:
        yield from family.declared


def openapi() -> dict[str, Any]:
    return declare_app().openapi()
