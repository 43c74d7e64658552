"""The library's tests run twice: on the local AWS, and as a slow proof on an emulator that shares no code with it."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials
from hosting import hosted_account
from library_world import ACCOUNT, REGION, Machine, World
from ministack import serve_ministack
from urllib3 import HTTPResponse

from infra.local.dispatch import Dispatch
from infra.local.http import LocalRequest


@pytest.fixture(scope="module")
def local_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with hosted_account(tmp_path_factory.mktemp("library"), account_id=ACCOUNT, region=REGION) as host:
        dispatch = Dispatch(host)
        machine = Machine(dispatch.session(Credentials("AKIAEXAMPLE", "secret")))
        dispatch.add("lambda", machine.invoke)
        yield machine


@pytest.fixture(scope="module")
def ministack_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    session = boto3.Session("AKIAEXAMPLE", "secret", region_name=REGION)
    with serve_ministack(tmp_path_factory.mktemp("ministack"), ACCOUNT, REGION) as endpoint:
        machine = Machine(session, endpoint)

        def answer_lambda(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            answer = machine.invoke(LocalRequest("POST", urlsplit(request.url).path, "", {}, request.body))
            body = HTTPResponse(BytesIO(answer.body), preload_content=False)
            return AWSResponse(request.url, answer.status, dict(answer.headers), body)

        session.events.register("before-send.lambda", answer_lambda)
        yield machine


@pytest.fixture(scope="module", params=["local", pytest.param("ministack", marks=pytest.mark.slow)])
def machine(request: pytest.FixtureRequest) -> Machine:
    return request.getfixturevalue(f"{request.param}_machine")


@pytest.fixture
def world(machine: Machine) -> World:
    return World(machine)
