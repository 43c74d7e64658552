"""Every wrong value is answered with the name of its field, before anything is asked of the library."""

import json
from collections import Counter
from typing import Any
from urllib.parse import unquote

import pytest
from api_driver import ApiDriver, LibraryDouble
from bad_requests import BODIES, PATHS, BadRequest, bad_requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.api.app import all_operations

REQUESTS = list(bad_requests())


def send(api: ApiDriver, request: BadRequest) -> Any:
    return api.send(request.method, unquote(request.path), request.body, query=request.query)


@pytest.mark.parametrize("operation", sorted({request.operation for request in REQUESTS}))
def test_each_wrong_value_is_refused_by_the_name_of_its_field(
    api: ApiDriver, library: LibraryDouble, operation: str
) -> None:
    for request in REQUESTS:
        if request.operation == operation:
            answer = send(api, request)
            assert answer.status == 400, f"{request}: {answer.content!r}"
            assert answer.error == "ValidationException", str(request)
            assert answer.fields == [request.field], str(request)
    assert library.calls == []


def test_every_operation_with_input_is_among_them() -> None:
    counts = Counter(request.operation for request in REQUESTS)
    assert set(counts) == {operation.name for operation in all_operations()}
    assert counts["CreateComposition"] > 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_json_makes_the_service_fail(api: ApiDriver, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from([o for o in all_operations() if o.name in BODIES]))
    body = dict(BODIES[operation.name])
    for name in data.draw(st.lists(st.sampled_from([*body, "tags", "edits", "name", "inferenceHyperParameters"]))):
        body[name] = data.draw(JSON)
    path = operation.path.replace(":label", "").format(**PATHS)
    assert api.send(operation.method, path, json.dumps(body).encode()).status < 500


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_make_the_service_fail(api: ApiDriver, body: bytes) -> None:
    assert api.send("POST", "/compositions", body).status == 400


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40), st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_no_path_or_query_makes_the_service_fail(api: ApiDriver, path: str, query: str) -> None:
    for start in ("/", "/compositions/", "/tags/", "/sample-models/"):
        assert api.send("GET", start + path, query=query).status < 500
