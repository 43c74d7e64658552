"""Every route passes the one authorization dependency, with the action and resource it declares."""

import re
from dataclasses import replace

import pytest
from api_driver import ACCOUNT, COMPOSITION_ARN, COMPOSITION_ID, REGION, ROOT, USER, ApiDriver, LibraryDouble
from fastapi.routing import APIRoute

from service.api.app import all_operations, declare_app
from service.api.auth import AccessRequest, authorize
from service.api.operation import Operation
from service.api.wire import RestJsonRoute
from service.caller import Caller
from service.errors import AccessDeniedException

OPERATIONS = list(all_operations())
PATH_VALUES = {"compositionId": COMPOSITION_ID, "modelId": "ar-cnn-bach", "resourceArn": COMPOSITION_ARN}

# Operation → the resource that a denial names. The Access table of the service's authorization reference.
RESOURCES = {
    "CreateComposition": f"arn:aws:deepcomposer:{REGION}:{ACCOUNT}:composition/*",
    "GetComposition": COMPOSITION_ARN,
    "ListCompositions": f"arn:aws:deepcomposer:{REGION}:{ACCOUNT}:composition/*",
    "UpdateComposition": COMPOSITION_ARN,
    "DeleteComposition": COMPOSITION_ARN,
    "CreateAudio": f"arn:aws:deepcomposer:{REGION}:{ACCOUNT}:audio/*",
    "ListSampleModels": f"arn:aws:deepcomposer:{REGION}:{ACCOUNT}:model/*",
    "GetSampleModel": f"arn:aws:deepcomposer:{REGION}:{ACCOUNT}:model/ar-cnn-bach",
    "ListSampleMelodies": "*",
    "ListTagsForResource": COMPOSITION_ARN,
    "TagResource": COMPOSITION_ARN,
    "UntagResource": COMPOSITION_ARN,
    "AssociateCoupon": "*",
}


def path_of(operation: Operation) -> str:
    return re.sub(r"\{(\w+)(:label)?\}", lambda match: PATH_VALUES[match[1]], operation.path)


def test_the_table_of_resources_is_complete() -> None:
    assert {operation.name for operation in OPERATIONS} == set(RESOURCES)


def test_every_route_has_the_authorization_dependency() -> None:
    routes = declare_app().routes
    assert len(routes) == len(OPERATIONS)
    for route in routes:
        assert isinstance(route, RestJsonRoute)
        assert route.arguments.depends_on[0] is authorize


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_caller_without_policies_is_denied_by_action_and_resource(
    api: ApiDriver, library: LibraryDouble, operation: Operation
) -> None:
    answer = api.send(operation.method, path_of(operation), caller=USER)
    assert (answer.status, answer.error) == (403, "AccessDeniedException")
    assert answer.json["message"] == (
        f"User: {USER.arn} is not authorized to perform: deepcomposer:{operation.name} "
        f"on resource: {RESOURCES[operation.name]} "
        f"because no identity-based policy allows the deepcomposer:{operation.name} action"
    )
    assert library.calls == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_request_without_a_caller_is_refused(api: ApiDriver, library: LibraryDouble, operation: Operation) -> None:
    answer = api.send(operation.method, path_of(operation), caller=None, headers={"x-chorale-caller": "root"})
    assert (answer.status, answer.error) == (403, "MissingAuthenticationTokenException")
    assert library.calls == []


def test_a_route_without_a_declared_action_cannot_be_made() -> None:
    def forgotten() -> None: ...

    with pytest.raises(TypeError, match="forgotten must declare"):
        RestJsonRoute("/forgotten", forgotten)


def test_fastapi_adds_no_routes_of_its_own() -> None:
    assert all(type(route) is RestJsonRoute for route in declare_app().routes)
    assert issubclass(RestJsonRoute, APIRoute)


def test_the_root_of_another_account_is_denied(api: ApiDriver, library: LibraryDouble) -> None:
    other = replace(ROOT, account="210987654321", arn="arn:aws:iam::210987654321:root")
    answer = api.send("GET", "/compositions", caller=other)
    assert answer.error == "AccessDeniedException"
    assert "no resource-based policy allows" in answer.json["message"]
    assert library.calls == []


class Recorder:
    """An authorizer that lets everything pass and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[AccessRequest] = []

    def __call__(self, caller: Caller, access: AccessRequest) -> None:
        assert caller == ROOT
        self.asked.append(access)


def asked_for(method: str, path: str, body: object = None, query: str = "") -> AccessRequest:
    recorder = Recorder()
    driver = ApiDriver(LibraryDouble(), recorder)
    driver.send(method, path, body, query=query)
    driver.close()
    return recorder.asked[0]


def test_the_tags_of_a_creation_are_request_tags() -> None:
    access = asked_for("POST", "/compositions", {"tags": [{"key": "a", "value": "1"}, {"key": "B", "value": ""}]})
    assert access.request_tags == {"a": "1", "B": ""}
    assert access.tag_keys == ("a", "B")


def test_the_keys_to_remove_are_tag_keys_without_values() -> None:
    access = asked_for("DELETE", f"/tags/{COMPOSITION_ARN}", query="tagKeys=a&tagKeys=b%20c")
    assert access.request_tags == {}
    assert access.tag_keys == ("a", "b c")


@pytest.mark.parametrize("tags", ["text", 7, [1], [{"key": 1, "value": "x"}], [{"key": "a"}], None])
def test_malformed_tags_are_left_to_validation(tags: object) -> None:
    assert asked_for("POST", "/compositions", {"tags": tags}).request_tags == {}


def test_denial_comes_before_validation() -> None:
    class Deny:
        def __call__(self, caller: Caller, access: AccessRequest) -> None:
            raise AccessDeniedException("no")

    driver = ApiDriver(LibraryDouble(), Deny())
    assert driver.send("POST", "/compositions", {"nonsense": 1}).error == "AccessDeniedException"
    driver.close()
