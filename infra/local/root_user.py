"""What IAM tells the account's root about itself: moto would invent a user of that name and keep it."""

import uuid
from xml.sax.saxutils import escape

from infra.local.http import LocalRequest, LocalResponse
from infra.local.operations import query_parameters
from service.caller import Caller

_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


def asks_about_itself(caller: Caller, operation: str, request: LocalRequest) -> bool:
    """Whether root asks for the user that it is: GetUser without a name."""
    return caller.is_root and operation == "GetUser" and not query_parameters(request).get("UserName")


def get_user(caller: Caller) -> LocalResponse:
    """Root as a user: it has an id and an ARN, and neither name nor path."""
    request_id = str(uuid.uuid4())
    user = f"<User><UserId>{escape(caller.user_id)}</UserId><Arn>{escape(caller.arn)}</Arn></User>"
    body = (
        f'<GetUserResponse xmlns="{_NAMESPACE}"><GetUserResult>{user}</GetUserResult>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></GetUserResponse>"
    )
    return LocalResponse(200, (("content-type", "text/xml"), ("x-amzn-requestid", request_id)), body.encode())
