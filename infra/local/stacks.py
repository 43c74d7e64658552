"""CloudFormation in front of moto's: a template is carried out in full or refused, never in part.

A request has one turn: what moto made of a template, and the settings that are applied after it, are taken back
together when one of them is refused.
"""

import json
from typing import Any
from urllib.parse import parse_qsl

import boto3
from botocore.exceptions import ClientError, ParamValidationError

from infra.local.cloudformation_templates import TemplateError, check_template, read_template, settings_of
from infra.local.http import LocalRequest, LocalResponse
from infra.local.moto_host import Answer
from infra.local.protocol_errors import error_response

_CARRIED_OUT = frozenset({"CreateStack", "UpdateStack", "ExecuteChangeSet"})

# Parameters by which a template or an effect of the stack would come from where the local AWS has nothing.
_REFUSED_PARAMETERS = ("TemplateURL", "NotificationARNs.member.1", "StackPolicyURL")


class Stacks:
    """Answers CloudFormation's requests; what moto leaves out is set by the session's clients."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def handle(self, request: LocalRequest, region: str, answer: Answer) -> LocalResponse:
        try:
            parameters = _parameters(request)
            _check(parameters)
        except TemplateError as error:
            return error_response("cloudformation", 400, "ValidationError", str(error))
        answered = answer(request)
        action = parameters.get("Action", "")
        if answered.status == 200 and action in _CARRIED_OUT:
            stack = parameters.get("StackName", "")
            try:
                # A change set may be named by its ARN alone.
                stack = stack or self._stack_of_change_set(region, parameters["ChangeSetName"])
                self._apply_settings(region, stack)
            except (ClientError, ParamValidationError) as error:
                return _cannot_be_carried_out(stack, str(error))
        return _in_our_protocol(answered, parameters)

    def _stack_of_change_set(self, region: str, change_set: str) -> str:
        client = self._session.client("cloudformation", region_name=region)
        return client.describe_change_set(ChangeSetName=change_set)["StackName"]

    def _apply_settings(self, region: str, stack_name: str) -> None:
        client = self._session.client("cloudformation", region_name=region)
        template = read_template(_text(client.get_template(StackName=stack_name)["TemplateBody"]))
        resources = client.describe_stack_resources(StackName=stack_name)["StackResources"]
        physical_ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        for logical_id, setting, value in settings_of(template):
            if logical_id in physical_ids:  # a resource whose condition is false is not there
                arguments = setting.arguments(physical_ids[logical_id], value)
                target: Any = self._session.client(setting.service, region_name=region)
                getattr(target, setting.operation)(**arguments)


def _cannot_be_carried_out(stack: str, reason: str) -> LocalResponse:
    message = f"The stack {stack} cannot be carried out: {reason}"
    return error_response("cloudformation", 400, "ValidationError", message)


def _in_our_protocol(answered: LocalResponse, parameters: dict[str, str]) -> LocalResponse:
    """A resource that its service refuses in AWS JSON would be told to CloudFormation's clients as it is."""
    if answered.status < 400 or not dict(answered.headers).get("content-type", "").startswith("application/json"):
        return answered
    return _cannot_be_carried_out(parameters.get("StackName", ""), json.loads(answered.body).get("message", ""))


def _parameters(request: LocalRequest) -> dict[str, str]:
    """The request's parameters, none of them twice: what is checked here must be what moto reads."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.body and content_type != "application/x-www-form-urlencoded":
        raise TemplateError(f"A request must be a form (application/x-www-form-urlencoded), not {content_type!r}.")
    pairs = [
        *parse_qsl(request.query, keep_blank_values=True),
        *parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True),
    ]
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise TemplateError("A parameter may be given once only.")
    return parameters


def _check(parameters: dict[str, str]) -> None:
    for name in _REFUSED_PARAMETERS:
        if name in parameters:
            raise TemplateError(f"The local AWS does not take {name.partition('.')[0]}.")
    if "TemplateBody" in parameters:
        check_template(read_template(parameters["TemplateBody"]))


def _text(body: Any) -> str:
    # botocore reads a template that is JSON into an object.
    return body if isinstance(body, str) else json.dumps(body)
