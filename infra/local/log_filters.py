"""CloudWatch Logs in front of moto's: FilterLogEvents by a prefix of streams, which moto would pass over."""

import json
from dataclasses import replace
from typing import Any

from infra.local.http import LocalRequest, LocalResponse
from infra.local.moto_host import Answer
from infra.local.moto_services import BACKENDS
from infra.local.operations import TARGET_PREFIXES
from infra.local.protocol_errors import error_response

_TARGET = f"{TARGET_PREFIXES['logs']}FilterLogEvents"
_NAMES, _PREFIX = "logStreamNames", "logStreamNamePrefix"
_GROUP, _IDENTIFIER = "logGroupName", "logGroupIdentifier"


class LogFilters:
    """Answers CloudWatch Logs' requests; FilterLogEvents goes on with the names that the prefix stands for."""

    def __init__(self, account: str) -> None:
        self._account = account

    def handle(self, request: LocalRequest, region: str, answer: Answer) -> LocalResponse:
        members = _members(request)
        if not members.keys() & {_PREFIX, _IDENTIFIER}:
            return answer(request)
        for one, other in ((_PREFIX, _NAMES), (_IDENTIFIER, _GROUP)):
            if one in members and other in members:
                message = f"{other} and {one} cannot be given together."
                return error_response("logs", 400, "InvalidParameterException", message)
        if _IDENTIFIER in members:
            members[_GROUP] = _group_name(str(members.pop(_IDENTIFIER)))
        name = members.get(_GROUP)
        group = BACKENDS["logs"][self._account][region].groups.get(name) if isinstance(name, str) else None
        if group is not None and _PREFIX in members:
            prefix = str(members.pop(_PREFIX))
            members[_NAMES] = [name for name in group.streams if name.startswith(prefix)]
            if not members[_NAMES]:
                nothing = json.dumps({"events": [], "searchedLogStreams": []}).encode()
                return LocalResponse(200, (("content-type", "application/x-amz-json-1.1"),), nothing)
        return answer(replace(request, body=json.dumps(members).encode()))


def _members(request: LocalRequest) -> dict[str, Any]:
    """The members of a FilterLogEvents request, none for any other and for what cannot be read."""
    if request.headers.get("x-amz-target") != _TARGET:
        return {}
    try:
        members = json.loads(request.body)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _group_name(identifier: str) -> str:
    """The name in the ARN of a group; what is no ARN is the name."""
    return identifier.rpartition(":log-group:")[2].removesuffix(":*")
