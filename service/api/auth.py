"""Who is calling, and whether they may.

The Caller comes in the ASGI scope, put there by the gateway, or by the Lambda handler from API Gateway's context; never
from a header. `authorize` is a dependency of the whole application, so that no route can forget it. What it decides by
is one function, the Authorizer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from service.caller import Caller
from service.errors import AccessDeniedException, MissingAuthenticationTokenException, denial_sentence

CALLER_KEY = "chorale.caller"


@dataclass(frozen=True)
class AccessRequest:
    """What a caller asks to do: the action and the ARN it concerns, and what condition keys are filled from.

    `request_tags` are the tags that the request would set (aws:RequestTag), `tag_keys` all tag keys it names
    (aws:TagKeys). Both are read before the request is validated, and hold only what has the right form.
    """

    action: str
    resource: str
    request_tags: Mapping[str, str]
    tag_keys: tuple[str, ...]


Authorizer = Callable[[Caller, AccessRequest], None]  # raises AccessDeniedException


def only_root(caller: Caller, access: AccessRequest) -> None:
    """The account's root may do everything; nobody else has been given a policy."""
    if not caller.is_root:
        raise denial(caller, access, "no identity-based policy allows")


def denial(caller: Caller, access: AccessRequest, reason: str) -> AccessDeniedException:
    """The error for what a caller asked to do; for `reason` see denial_sentence."""
    return AccessDeniedException(denial_sentence(caller.arn, access.action, access.resource, reason))


def current_caller(request: Request) -> Caller:
    caller: Caller | None = request.scope.get(CALLER_KEY)
    if caller is None:
        raise MissingAuthenticationTokenException("Missing Authentication Token")
    return caller


async def authorize(request: Request) -> Caller:
    """The caller, when they may do what the route declares."""
    caller = current_caller(request)
    # sent members are read here from the parsed body, which the route has put on the request
    body = await request.json() if request.method in ("POST", "PUT", "PATCH") else {}
    declared = request.scope["route"].openapi_extra["x-aws-iam"]
    tags = _well_formed_tags(body.get("tags"))
    access = AccessRequest(
        action=declared["action"],
        resource=resource_arn(declared["resource"], request.path_params, request.app.state.region, caller.account),
        request_tags=tags,
        tag_keys=(*tags, *request.query_params.getlist("tagKeys")),
    )
    if caller.account != request.app.state.account:
        raise denial(caller, access, "no resource-based policy allows")
    request.app.state.authorizer(caller, access)
    return caller


CallerDependency = Annotated[Caller, Depends(authorize)]


def resource_arn(declared: str, path_parameters: Mapping[str, Any], region: str, account: str) -> str:
    """The ARN to authorize on. `composition/{compositionId}` → `arn:aws:deepcomposer:…:composition/01h…`."""
    named = declared.format_map(path_parameters)
    if declared == "*" or declared.startswith("{"):
        return named
    return f"arn:aws:deepcomposer:{region}:{account}:{named}"


def _well_formed_tags(value: Any) -> dict[str, str]:
    if not isinstance(value, list):
        return {}
    pairs = [(tag.get("key"), tag.get("value")) for tag in value if isinstance(tag, dict)]
    return {key: text for key, text in pairs if isinstance(key, str) and isinstance(text, str)}
