"""The generated botocore model: fresh, complete, and of use to botocore."""

import json
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.model import OperationModel, ServiceModel
from botocore.paginate import PaginatorModel
from botocore.waiter import WaiterModel

from service.api.app import all_operations, openapi
from service.api.botocore_shapes import Shapes, documentation
from service.api.endpoint_rules import endpoint_rules
from service.api.service_model import FOLDER, files, paginators, service_model

MODEL = service_model(openapi())
SERVICE = ServiceModel(MODEL, "deepcomposer")


def operation(name: str) -> OperationModel:
    return SERVICE.operation_model(name)


@pytest.mark.parametrize("name", sorted(files()))
def test_the_shipped_file_is_what_the_declarations_give(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == files()[name], "run python -m service.api.service_model"


def test_no_other_files_are_shipped() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(files())


def test_every_operation_is_in_the_model() -> None:
    assert set(SERVICE.operation_names) == {declared.name for declared in all_operations()}


def test_every_shape_that_is_named_exists_and_every_shape_is_used() -> None:
    named: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("shape"), str):
                named.add(value["shape"])
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(MODEL)
    assert named == set(MODEL["shapes"])


def test_members_of_path_and_query_are_located() -> None:
    members = operation("GetComposition").input_shape.members
    assert members["compositionId"].serialization == {"location": "uri", "name": "compositionId"}
    assert members["includeOutputMidi"].serialization == {"location": "querystring", "name": "includeOutputMidi"}
    assert operation("GetComposition").input_shape.required_members == ["compositionId"]
    assert operation("UntagResource").input_shape.members["tagKeys"].type_name == "list"


@pytest.mark.parametrize(
    ("member", "type_name", "metadata"),
    [
        ("inputMidi", "blob", {"min": 1, "max": 10_240}),
        ("name", "string", {"min": 1, "max": 128}),
        ("modelType", "string", {"enum": ["SAMPLE", "CUSTOM"]}),
        ("tags", "list", {"max": 50}),
        ("inferenceHyperParameters", "structure", {}),
        ("clientRequestToken", "string", {"idempotencyToken": True, "min": 1, "max": 64}),
    ],
)
def test_types_and_bounds_are_carried(member: str, type_name: str, metadata: dict[str, Any]) -> None:
    shape = operation("CreateComposition").input_shape.members[member]
    assert shape.type_name == type_name
    assert {name: shape.metadata[name] for name in metadata} == metadata


def test_numbers_have_the_width_they_need() -> None:
    parameters = operation("CreateComposition").input_shape.members["inferenceHyperParameters"].members
    assert parameters["seed"].type_name == "long"
    assert parameters["temperature"].type_name == "double"
    assert parameters["maxNotesAdded"].type_name == "integer"
    assert parameters["maxNotesAdded"].metadata["min"] == 50


def test_answers_are_typed() -> None:
    composition = operation("GetComposition").output_shape.members["composition"]
    assert composition.members["outputMidi"].type_name == "blob"
    assert composition.members["createdAt"].type_name == "timestamp"
    assert composition.members["status"].enum == ["IN_PROGRESS", "COMPLETED", "FAILED"]


def test_a_creation_gets_a_token_when_none_is_given() -> None:
    assert operation("CreateComposition").idempotent_members == ["clientRequestToken"]
    assert operation("CreateAudio").idempotent_members == ["clientRequestToken"]
    assert operation("ListCompositions").idempotent_members == []


def test_errors_have_status_and_members() -> None:
    errors = {shape.name: shape for shape in operation("CreateComposition").error_shapes}
    assert errors["ResourceNotFoundException"].metadata["error"] == {"httpStatusCode": 404, "senderFault": True}
    assert set(errors["ConflictException"].members) == {"message", "resourceId", "resourceType"}
    assert errors["ThrottlingException"].metadata["retryable"] == {"throttling": True}
    assert MODEL["shapes"]["InternalServerException"]["fault"] is True


def test_documentation_is_carried() -> None:
    assert "Composes new music" in operation("CreateComposition").documentation
    undocumented = [name for name in SERVICE.operation_names if not operation(name).documentation]
    assert undocumented == []


def test_documentation_is_escaped_and_keeps_paragraphs() -> None:
    told = documentation({"description": "a < b\nand c\n\nd"})
    assert told == {"documentation": "<p>a &lt; b and c</p><p>d</p>"}


def test_every_list_operation_can_be_paged() -> None:
    pagination = PaginatorModel(paginators(MODEL))
    for name in ("ListCompositions", "ListSampleModels", "ListSampleMelodies"):
        config = pagination.get_paginator(name)
        assert config["input_token"] == config["output_token"] == "nextToken"
        assert config["result_key"] in operation(name).output_shape.members


def test_waiters_ask_for_members_that_exist() -> None:
    waiters = WaiterModel(json.loads(files()["waiters-2.json"]))
    for name in waiters.waiter_names:
        waiter = waiters.get_waiter(name)
        assert waiter.operation in SERVICE.operation_names
        for acceptor in waiter.acceptors:
            outer, inner = acceptor.argument.replace("[]", "").split(".")[:2]
            assert inner in operation(waiter.operation).output_shape.members[outer].members


def test_two_different_shapes_cannot_share_a_name() -> None:
    shapes = Shapes({"Name": {"type": "string", "maxLength": 3}})
    shapes.member("Owner", "name", {"$ref": "#/components/schemas/Name"})
    assert shapes.member("Owner", "name", {"type": "string", "maxLength": 5})["shape"] == "OwnerName"
    with pytest.raises(ValueError, match="OwnerName"):
        shapes.member("Owner", "name", {"type": "string", "maxLength": 7})


ENDPOINTS = EndpointProvider(
    endpoint_rules("deepcomposer"),
    json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text()),
)


def test_without_an_endpoint_of_its_own_a_client_asks_aws() -> None:
    found = ENDPOINTS.resolve_endpoint(Region="eu-west-1", UseFIPS=False, UseDualStack=False)
    assert found.url == "https://deepcomposer.eu-west-1.amazonaws.com"


def test_an_endpoint_of_its_own_comes_first() -> None:
    found = ENDPOINTS.resolve_endpoint(
        Region="eu-west-1", UseFIPS=False, UseDualStack=False, Endpoint="http://localhost:4242"
    )
    assert found.url == "http://localhost:4242"
