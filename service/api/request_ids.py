"""The id that every answer carries."""

import uuid

from fastapi import Request, Response

REQUEST_ID_KEY = "chorale.request_id"


def stamp(request: Request, response: Response) -> Response:
    """Puts the request's id on its answer: the gateway's if it has given one."""
    request_id = request.scope.get(REQUEST_ID_KEY) or str(uuid.uuid4())
    response.raw_headers.append((b"x-amzn-requestid", request_id.encode("ascii")))
    return response
