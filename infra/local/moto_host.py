"""DynamoDB, S3, IAM, STS, KMS, CloudWatch Logs and CloudFormation by moto, in this process, upon a data folder.

Every request to moto, from outside through the gateway or from our own clients through the dispatch, has its turn
(turns.py): what it writes is on the disk before its answer leaves, or taken back.

moto keeps its backends in module globals, so a process hosts one account at a time: a second MotoHost is refused until
the first is closed. Callers use threads; nothing here belongs on an event loop.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException

from infra.local.durable.errors import WriteRefusedError
from infra.local.durable.folder import DataFolder
from infra.local.effects import effect_of
from infra.local.hosted_state import HostedState
from infra.local.http import LocalRequest, LocalResponse
from infra.local.json_inputs import InputError, check_input
from infra.local.moto_mistakes import is_mistake, mistake_response
from infra.local.moto_services import BACKENDS, DISPATCHERS, DynamoHandler, S3Response, iam_backends
from infra.local.protocol_errors import error_response, protocol_of
from service.caller import Caller

log = logging.getLogger(__name__)

MOTO_SERVICES = frozenset(BACKENDS)

_PARTITION = "aws"
_PRESIGNED = (
    "X-Amz-Algorithm=",
    "X-Amz-Credential=",
    "X-Amz-Date=",
    "X-Amz-Expires=",
    "X-Amz-SignedHeaders=",
    "X-Amz-Signature=",
    "X-Amz-Security-Token=",
)
_hosted = threading.Lock()

MotoAnswer = tuple[int, Mapping[str, Any], str | bytes]
Answer = Callable[[LocalRequest], LocalResponse]
Front = Callable[[LocalRequest, str, Answer], LocalResponse]


class AlreadyHostedError(RuntimeError):
    """This process already hosts an account."""


@dataclass(frozen=True, slots=True)
class IamAccessKey:
    """An IAM user's active access key, for the authentication."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    user_name: str
    user_arn: str
    user_id: str


@dataclass(frozen=True, slots=True)
class DynamoAnswer:
    """DynamoDB's answer to a direct call: the output's members, or an error exactly as it goes over the wire."""

    members: dict[str, Any]
    error: LocalResponse | None = None


class MotoHost:
    """One AWS account, kept in a data folder. Whoever opened the folder closes it, after the host."""

    def __init__(self, folder: DataFolder) -> None:
        """Begin with what the folder holds.

        Raises AlreadyHostedError while another MotoHost of this process is open, and StoreError.
        """
        if not _hosted.acquire(blocking=False):
            raise AlreadyHostedError("this process already hosts a local AWS account; close it first")
        self.account = folder.account.id
        self.region = folder.account.region
        self._closing = threading.Lock()
        self._open = True
        self._fronts: dict[str, Front] = {}
        try:
            self._state = HostedState(folder)
        except BaseException:
            _hosted.release()
            raise

    def close(self) -> None:
        """End the hosting, so that another account may be hosted."""
        with self._closing:
            if self._open:
                self._open = False
                self._state.close()
                _hosted.release()

    def put_in_front(self, service: str, front: Front) -> None:
        """Have `front` answer the service's requests.

        It is given each with its region, and the function by which moto answers one.
        """
        self._fronts[service] = front

    def handle(
        self,
        service: str,
        request: LocalRequest,
        *,
        operation: str,
        region: str | None = None,
        caller: Caller | None = None,
    ) -> LocalResponse:
        """Answer one request whose caller is already authenticated and authorized.

        `request.path` is path-style for S3. By `operation` its turn is known; moto works it out again by itself.
        `caller` (None: the service itself) is for the log. Never raises: whatever goes wrong is an error of the
        service's protocol.
        """
        region = region or self.region

        def answer(asked: LocalRequest) -> LocalResponse:
            return self._answer(service, asked, operation, region)

        def turn(work: Callable[[], LocalResponse]) -> LocalResponse:
            effect = effect_of(service, operation, request)
            return self._state.turns.carry_out(effect, f"{service} {operation}", caller, work, _is_refusal)

        try:
            if service == "s3":
                return self._state.objects.answer(request, operation, turn, answer)
            front = self._fronts.get(service)
            return turn(lambda: front(request, region, answer) if front else answer(request))
        except WriteRefusedError as error:
            return _unavailable(service, error)
        except (NotImplementedError, OperationNotFoundError):
            return error_response(service, 501, "NotImplemented", "This operation is not part of the local AWS.")
        except Exception:
            return _internal_error(service, operation)

    def dynamodb(self, operation: str, method: str, parameters: dict[str, Any]) -> DynamoAnswer:
        """Carry out one operation on the items of the account's home region, without any protocol in between.

        `method` is the operation's name in snake case; `parameters` are the operation's input members with binary
        values as bytes. They are kept by the table: hand over values that nobody else holds.
        """
        handler = DynamoHandler()
        handler.region = self.region
        handler.current_account = self.account
        handler.body = handler.params = parameters

        def work() -> DynamoAnswer:
            try:
                return DynamoAnswer(getattr(handler, method)().result)
            except (ServiceException, HTTPException) as error:
                return DynamoAnswer({}, _dynamodb_error(operation, error))
            except WriteRefusedError:
                raise
            except Exception as error:
                told = _mistake if is_mistake(error) else _internal_error
                return DynamoAnswer({}, told("dynamodb", operation))

        effect = effect_of("dynamodb", operation)
        try:
            return self._state.turns.carry_out(effect, f"dynamodb {operation}", None, work, _has_failed)
        except WriteRefusedError as error:
            return DynamoAnswer({}, _unavailable("dynamodb", error))

    def find_iam_access_key(self, access_key_id: str) -> IamAccessKey | None:
        """The active key of an IAM user with this id, or None.

        Without a turn: nobody holds a key before its creation was acknowledged.
        """
        backend = iam_backends[self.account][_PARTITION]
        key = backend.access_keys.get(access_key_id)
        if key is None or key.status != "Active" or key.user_name not in backend.users:
            return None
        user = backend.users[key.user_name]
        return IamAccessKey(access_key_id, key.secret_access_key, user.name, user.arn, user.id)

    def is_iam_user(self, user_id: str) -> bool:
        """Whether an IAM user has this unique id, which no later user of the same name gets."""
        users = list(iam_backends[self.account][_PARTITION].users.values())
        return any(user.id == user_id for user in users)

    def _answer(self, service: str, request: LocalRequest, operation: str, region: str) -> LocalResponse:
        if region not in BACKENDS["dynamodb"][self.account].regions:
            message = "Credential should be scoped to a valid region."
            return error_response(service, 403, "InvalidSignatureException", message)
        entrance = _entrance(service, request.path)
        if entrance is None:
            return error_response(service, 400, "InvalidURI", "Couldn't parse the specified URI.")
        if protocol_of(service) == "json":
            try:
                check_input(get_service_model(service).operation_model(operation), request.body)
            except InputError as error:
                return error_response(service, 400, error.code, str(error), str(uuid.uuid4()))
        try:
            answer = _call(entrance, self._moto_request(service, region, request))
        except Exception as error:
            if not is_mistake(error):
                raise
            return _mistake(service, operation)
        return _local_response(answer, head=request.method == "HEAD")

    def _moto_request(self, service: str, region: str, request: LocalRequest) -> Request:
        """The request as moto's response classes expect it: addressed to AWS, in our account, whoever sent it."""
        host = f"{service}.{region}.amazonaws.com"
        headers = {name: value for name, value in request.headers.items() if not name.startswith("x-moto-")}
        headers |= {"host": host, "x-moto-account-id": self.account, "content-length": str(len(request.body))}
        parameters = request.query
        if service == "s3":
            # A presigned request comes to moto as a signed one: it would compare response-content-type and the like
            # with headers that are not there.
            parameters = "&".join(pair for pair in parameters.split("&") if not pair.startswith(_PRESIGNED))
            headers.setdefault("authorization", f"AWS4-HMAC-SHA256 Credential=-/-/{region}/s3/aws4_request")
        query = f"?{parameters}" if parameters else ""
        built = Request.from_primitives(request.method, f"https://{host}{request.path}{query}", headers, request.body)
        if service == "s3":
            _read_no_form(built)
            # werkzeug makes one of its own for a form without fields, which an object may look like.
            if "content-type" in headers:
                built.environ["CONTENT_TYPE"] = headers["content-type"]
        return built


def _read_no_form(request: Request) -> None:
    """Keeps the body of an S3 request from being read as a form, whatever its content type says.

    It would be stored as an empty object, and its content would count as parameters of the authorized request.
    """
    request.get_data(cache=True, parse_form_data=False)
    vars(request)["form"] = vars(request)["files"] = ImmutableMultiDict()


def _is_refusal(answer: LocalResponse) -> bool:
    return answer.status >= 400


def _has_failed(answer: DynamoAnswer) -> bool:
    return answer.error is not None


def _unavailable(service: str, error: WriteRefusedError) -> LocalResponse:
    """The disk did not take a write, or the server stops: the request may be sent again. The log has said more."""
    code = "ServiceUnavailableException" if protocol_of(service) == "json" else "ServiceUnavailable"
    message = f"The request was not carried out, and nothing of it was kept: {error}. Please try again."
    return error_response(service, 503, code, message, str(uuid.uuid4()))


_INTERNAL_ERRORS = {"dynamodb": "InternalServerError", "s3": "InternalError", "kms": "KMSInternalException"}


def _internal_error(service: str, operation: str) -> LocalResponse:
    """Logs the exception being handled, which is a fault of moto's or ours, and tells the client nothing of it."""
    request_id = str(uuid.uuid4())
    log.exception("%s %s failed (request %s)", service, operation, request_id)
    message = "We encountered an internal error. Please try again."
    return error_response(service, 500, _INTERNAL_ERRORS.get(service, "InternalFailure"), message, request_id)


def _mistake(service: str, operation: str) -> LocalResponse:
    """Logs the exception being handled, and tells the client what it did wrong."""
    request_id = str(uuid.uuid4())
    log.warning("%s %s could not be read (request %s)", service, operation, request_id, exc_info=True)
    return mistake_response(service, operation, request_id)


def _entrance(service: str, path: str) -> Callable[..., MotoAnswer] | None:
    """The function of moto that answers this path, or None when no request of the service has such a path."""
    if service != "s3":
        return DISPATCHERS[service] if path in ("", "/") else None
    bucket, _, key = path.removeprefix("/").partition("/")
    if not bucket:
        return S3Response.bucket_dispatch if path in ("", "/") else None
    return S3Response.key_dispatch if key else S3Response.ambiguous_dispatch


def _call(entrance: Callable[..., MotoAnswer], request: Request) -> MotoAnswer:
    try:
        return entrance(request, request.raw_url, request.headers)
    except HTTPException as error:
        return error.code or 500, dict(error.get_headers()), error.get_body()


def _local_response(answer: MotoAnswer, *, head: bool) -> LocalResponse:
    status, headers, body = answer
    kept = tuple(
        (name.lower(), str(value))
        for name, value in headers.items()
        # Only the answer to HEAD speaks of a length that its body has not.
        if value is not None and name.lower() not in ("status", "server") and (head or name.lower() != "content-length")
    )
    return LocalResponse(int(status), kept, body.encode() if isinstance(body, str) else body)


def _dynamodb_error(operation: str, error: ServiceException | HTTPException) -> LocalResponse:
    if isinstance(error, HTTPException):
        body = error.get_body()
        return LocalResponse(error.code or 400, tuple(error.get_headers()), str(body).encode())
    model = get_service_model("dynamodb")
    serializer = get_serializer_class("dynamodb", "json")(operation_model=model.operation_model(operation))
    serialized = serializer.serialize(error)
    answer = (serialized["status_code"], serialized["headers"], serialized["body"])
    return _local_response(answer, head=False)
