"""The one port of the local AWS: every request is authenticated, routed by its credential scope, and authorized.

An ASGI application. The order is fixed: the Host header, the health check, the signature, the service that the
signature is for. DeepComposer is answered by our API, which finds the Caller in the ASGI scope under CALLER_KEY;
everything else by moto, in a thread. What is refused is refused in the protocol of the service that
the client speaks to, and X-Forwarded headers mean nothing.

S3's uploads are let in before their bodies are read; see s3_entrance.py.
"""

import json
import logging
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from infra.local import root_user, sts
from infra.local.account import Account
from infra.local.authentication import Authenticator
from infra.local.authorization import Authorizer, access_of
from infra.local.durable.s3.bodies import Bodies
from infra.local.exchange import AsgiApp, ClientGoneError, Exchange, Receive, Send
from infra.local.hosts import HostNames, bucket_of
from infra.local.http import BodyTooLargeError, LocalRequest, LocalResponse
from infra.local.operations import UnknownOperationError, operation_of, query_parameters
from infra.local.protocol_errors import error_response, protocol_of
from infra.local.pump import in_thread
from infra.local.s3_entrance import S3Call, S3Entrance, ServiceHost
from infra.local.sessions import Sessions
from infra.local.signature_errors import signature_error_response
from infra.local.supported import SUPPORTED, is_supported
from service.api.auth import CALLER_KEY
from service.api.request_ids import REQUEST_ID_KEY
from service.caller import Caller
from service.sigv4 import Claim, SignatureError, SignedRequest, Verified, read_claim

log = logging.getLogger(__name__)

DEEPCOMPOSER = "deepcomposer"

_MEBIBYTE = 1 << 20
_BODY_LIMITS = {DEEPCOMPOSER: _MEBIBYTE, "dynamodb": 16 * _MEBIBYTE}  # S3's are in s3_entrance.py
_OTHER_BODY_LIMIT = 2 * _MEBIBYTE

# Status and code of a refusal, by protocol.
_DENIED = {
    "json": (400, "AccessDeniedException"),
    "query": (403, "AccessDenied"),
    "rest-json": (403, "AccessDeniedException"),
    "s3": (403, "AccessDenied"),
}
_UNKNOWN_OPERATION = {
    "json": (400, "UnknownOperationException"),
    "query": (400, "InvalidAction"),
    "rest-json": (404, "UnknownOperationException"),
    "s3": (501, "NotImplemented"),
}
_TOO_LARGE = {
    "json": (413, "RequestEntityTooLargeException"),
    "query": (413, "RequestEntityTooLarge"),
    "rest-json": (413, "RequestEntityTooLargeException"),
    "s3": (400, "EntityTooLarge"),
}
_INTERNAL_ERROR = {
    "json": (500, "InternalServerError"),
    "query": (500, "InternalFailure"),
    "rest-json": (500, "InternalServerException"),
    "s3": (500, "InternalError"),
}

_REQUEST_ID_HEADERS = ("x-amzn-requestid", "x-amz-request-id", "x-amz-id-2")
_OBJECT_HEADERS = (("content-security-policy", "sandbox"), ("x-content-type-options", "nosniff"))


class Gateway:
    """Everything that answers on the port, behind one ASGI callable."""

    def __init__(
        self,
        account: Account,
        authenticator: Authenticator,
        authorizer: Authorizer,
        sessions: Sessions,
        host: ServiceHost,
        api: AsgiApp,
        host_names: HostNames,
        bodies: Bodies,
        threads: int = 16,
    ) -> None:
        """`bodies` takes the bodies of large uploads before the host is asked."""
        self._account = account
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._sessions = sessions
        self._host = host
        self._api = api
        self._host_names = host_names
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="aws")
        self._s3 = S3Entrance(host, bodies, self._pool)

    def close(self) -> None:
        """Wait for the requests in threads and end these."""
        self._pool.shutdown(wait=True)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(Exchange(scope, receive, send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, exchange: Exchange) -> None:
        try:
            await self._answer(exchange)
        except ClientGoneError:
            pass
        except Exception:
            log.exception("request %s failed", exchange.request_id)
            if exchange.status == 0:
                message = "The service could not answer because of an error of its own."
                await self._refuse(exchange, _INTERNAL_ERROR, message)
        finally:
            exchange.log()

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if not self._host_names.allows(request.headers.get("host")):
            message = "This server does not answer to that Host name; its owner can allow it with --allow-host."
            response = LocalResponse(421, (("content-type", "application/json"),), _json({"message": message}))
            await exchange.answer(response)
            return
        if _asks_for_health(request):
            body = _json({"status": "ready"})
            await exchange.answer(LocalResponse(200, (("content-type", "application/json"),), body))
            return
        try:
            claim = read_claim(request)
        except SignatureError as error:
            exchange.service = _service_spoken_to(request)
            await exchange.answer(signature_error_response(exchange.service, error, exchange.request_id))
            return
        exchange.service = claim.service
        try:
            await self._route(exchange, claim)
        except SignatureError as error:
            await exchange.turn_away(signature_error_response(claim.service, error, exchange.request_id))
        except BodyTooLargeError as error:
            message = f"The body of this request may have {error.limit} bytes at most."
            await exchange.turn_away(self._refusal(exchange, _TOO_LARGE, message))

    async def _route(self, exchange: Exchange, claim: Claim) -> None:
        if claim.service == DEEPCOMPOSER:
            await self._to_api(exchange, claim)
        elif claim.service == "s3":
            await self._to_s3(exchange, claim)
        elif claim.service in SUPPORTED:
            await self._to_host(exchange, claim)
        else:
            exchange.service = _service_spoken_to(exchange.request)
            await self._refuse(exchange, _UNKNOWN_OPERATION, f"The local AWS has no service named {claim.service}.")

    async def _to_api(self, exchange: Exchange, claim: Claim) -> None:
        body = await exchange.read_body(_BODY_LIMITS[DEEPCOMPOSER])
        caller, _ = self._authenticate(exchange, claim, _with_body(exchange.request, body))
        scope = dict(exchange.scope)
        scope[CALLER_KEY] = caller
        scope[REQUEST_ID_KEY] = exchange.request_id
        await self._api(scope, exchange.receive_again(body), exchange.send)
        exchange.operation = getattr(scope.get("route"), "operation_id", None) or "-"

    async def _to_s3(self, exchange: Exchange, claim: Claim) -> None:
        """S3 signs the hash of the body, so that all but the body is decided before it is read."""
        caller, verified = self._authenticate(exchange, claim, exchange.request)
        asked = _s3_request(exchange.request)
        response = self._admit(exchange, caller, claim, asked)
        if response is None:
            response = await self._s3.carry_out(exchange, S3Call(exchange.operation, asked, verified, caller))
        await exchange.turn_away(_with_s3_headers(response, exchange.request_id))

    async def _to_host(self, exchange: Exchange, claim: Claim) -> None:
        body = await exchange.read_body(_BODY_LIMITS.get(claim.service, _OTHER_BODY_LIMIT))
        request = _with_body(exchange.request, body)
        caller, _ = self._authenticate(exchange, claim, request)
        local = LocalRequest(request.method, request.path, request.query, _own_headers(request), body)
        await exchange.answer(await in_thread(self._pool, self._carry_out, exchange, caller, claim, local))

    def _authenticate(self, exchange: Exchange, claim: Claim, request: SignedRequest) -> tuple[Caller, Verified]:
        caller, verified = self._authenticator.authenticate(claim, request)
        exchange.caller = caller
        return caller, verified

    def _carry_out(self, exchange: Exchange, caller: Caller, claim: Claim, request: LocalRequest) -> LocalResponse:
        """Runs in a thread: whether the request is let in, and what the service answers."""
        return self._admit(exchange, caller, claim, request) or self._perform(exchange, caller, claim, request)

    def _admit(self, exchange: Exchange, caller: Caller, claim: Claim, request: LocalRequest) -> LocalResponse | None:
        """What the request is, and whether its caller may: None, or the refusal."""
        service = claim.service
        try:
            operation = operation_of(service, request)
        except UnknownOperationError as error:
            return self._refusal(exchange, _UNKNOWN_OPERATION, str(error))
        exchange.operation = operation
        if not is_supported(service, operation):
            message = f"{operation} is not among the operations that the local AWS supports."
            return self._refusal(exchange, _UNKNOWN_OPERATION, message)
        if service == "sts":
            return None  # whoever is known may ask who they are, and root for a session of its own
        denial = self._authorizer.decide(caller, access_of(self._account, service, operation, request))
        return None if denial is None else self._refusal(exchange, _DENIED, denial)

    def _perform(self, exchange: Exchange, caller: Caller, claim: Claim, request: LocalRequest) -> LocalResponse:
        """What the service answers to a request that was let in."""
        service, operation = claim.service, exchange.operation
        if service == "sts":
            return self._carry_out_sts(operation, caller, request)
        if service == "iam" and root_user.asks_about_itself(caller, operation, request):
            return root_user.get_user(caller)
        return self._host.handle(service, request, operation=operation, region=claim.region, caller=caller)

    def _carry_out_sts(self, operation: str, caller: Caller, request: LocalRequest) -> LocalResponse:
        if operation == "GetCallerIdentity":
            return sts.get_caller_identity(caller)
        return sts.get_session_token(caller, query_parameters(request), self._sessions)

    def _refusal(self, exchange: Exchange, names: dict[str, tuple[int, str]], message: str) -> LocalResponse:
        status, code = names[protocol_of(exchange.service)]
        return error_response(exchange.service, status, code, message, exchange.request_id)

    async def _refuse(self, exchange: Exchange, names: dict[str, tuple[int, str]], message: str) -> None:
        await exchange.answer(self._refusal(exchange, names, message))


def _asks_for_health(request: SignedRequest) -> bool:
    return request.path == "/healthz" and request.method in ("GET", "HEAD") and "authorization" not in request.headers


def _service_spoken_to(request: SignedRequest) -> str:
    """The service in whose protocol a client expects its answer, when no readable signature names one of ours."""
    headers, query = request.headers, request.query
    scope = headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
    if len(scope) == 5 and (scope[3] in SUPPORTED or scope[3] == DEEPCOMPOSER):
        return scope[3]
    if headers.get("x-amz-target", "").startswith("DeepComposer."):
        return DEEPCOMPOSER
    if "x-amz-target" in headers:
        return "dynamodb"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return "iam"
    if "X-Amz-Algorithm=" in query or "AWSAccessKeyId=" in query or headers.get("authorization", "").startswith("AWS "):
        return "s3"
    return DEEPCOMPOSER


def _with_s3_headers(response: LocalResponse, request_id: str) -> LocalResponse:
    """S3 has a name of its own for the request id, and an object opened in a browser must not run as our page."""
    kept = tuple((name, value) for name, value in response.headers if name not in _REQUEST_ID_HEADERS)
    added = (("x-amzn-requestid", request_id), ("x-amz-request-id", request_id), *_OBJECT_HEADERS)
    return replace(response, headers=kept + added)


def _s3_request(request: SignedRequest) -> LocalRequest:
    """The request addressed by path, still without its body."""
    bucket = bucket_of(request.headers.get("host"))
    path = f"/{bucket}{request.path}" if bucket else request.path
    return LocalRequest(request.method, path, request.query, _own_headers(request), b"")


def _own_headers(request: SignedRequest) -> dict[str, str]:
    """The headers that mean something behind the gateway: nobody's word on where a request came from."""
    return {
        name: value for name, value in request.headers.items() if not name.startswith(("x-forwarded-", "forwarded"))
    }


def _with_body(request: SignedRequest, body: bytes) -> SignedRequest:
    if not body:
        return request
    return SignedRequest(request.method, request.path, request.query, request.headers, body)


def _json(members: dict[str, str]) -> bytes:
    return json.dumps(members).encode()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
