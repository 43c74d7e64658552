"""Lambda's entrance to the API, behind API Gateway (REST API, or HTTP API with either payload format).

API Gateway's IAM authorizer has verified the signature; who signed is in the event's request context, never in a
header. The application is the one that answers locally, too. It is built when the first request comes.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from typing import Any

from mangum import Mangum

from service.api.app import create_app
from service.api.auth import CALLER_KEY
from service.api.request_ids import REQUEST_ID_KEY
from service.bootstrap import services_of_process
from service.caller import Caller, PrincipalType

Scope = MutableMapping[str, Any]
AsgiApp = Callable[[Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]], Awaitable[None]]

# How the part of an ARN after the account begins, by kind of principal.
PRINCIPALS = {
    "root": PrincipalType.ROOT,
    "user/": PrincipalType.USER,
    "assumed-role/": PrincipalType.ASSUMED_ROLE,
    "federated-user/": PrincipalType.FEDERATED_USER,
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return _entrance()(event, context)


@cache
def _entrance() -> Mangum:
    return entrance(create_app(services_of_process()), base_path=os.environ.get("CHORALE_API_BASE_PATH", "/"))


def entrance(app: AsgiApp, base_path: str = "/") -> Mangum:
    """The Lambda handler over an ASGI application. `base_path` is that of a custom domain's mapping."""
    return Mangum(BehindApiGateway(app), lifespan="off", api_gateway_base_path=base_path)


class BehindApiGateway:
    """Tells the application what API Gateway says of a request: who sent it, its id, and its path without the stage."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app

    async def __call__(
        self, scope: Scope, receive: Callable[..., Awaitable[Any]], send: Callable[..., Awaitable[Any]]
    ) -> None:
        context = scope["aws.event"]["requestContext"]
        scope[REQUEST_ID_KEY] = context.get("requestId")
        scope["path"] = without_stage(scope["path"], context)
        caller = caller_in(context)
        if caller is not None:
            scope[CALLER_KEY] = caller
        await self.app(scope, receive, send)


def caller_in(context: Mapping[str, Any]) -> Caller | None:
    """The principal that API Gateway authenticated, or None when it authenticated none."""
    if identity := (context.get("authorizer") or {}).get("iam"):
        user_id = identity.get("callerId") or identity.get("userId")
    else:
        identity = context.get("identity") or {}
        user_id = identity.get("caller")
    arn, account, key = identity.get("userArn"), identity.get("accountId"), identity.get("accessKey")
    type_ = _principal_type(arn or "")
    if not (arn and account and user_id and type_):
        return None
    return Caller(account=account, arn=arn, user_id=user_id, type=type_, access_key_id=key or "")


def without_stage(path: str, context: Mapping[str, Any]) -> str:
    """The path that the API declares. In payload format 2.0 it begins with the stage's name, but for `$default`."""
    stage = f"/{context.get('stage')}"
    if "http" in context and path.startswith(f"{stage}/"):
        return path.removeprefix(stage)
    return path


def _principal_type(arn: str) -> PrincipalType | None:
    resource = arn.split(":", 5)[-1]
    for beginning, type_ in PRINCIPALS.items():
        if resource == beginning or (beginning.endswith("/") and resource.startswith(beginning)):
            return type_
    return None
