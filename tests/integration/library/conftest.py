from collections.abc import Iterator

import pytest
from library_world import ACCOUNT, REGION, World

from infra.local.moto_host import MotoHost


@pytest.fixture(scope="session")
def host() -> Iterator[MotoHost]:
    host = MotoHost(ACCOUNT, REGION)
    yield host
    host.close()


@pytest.fixture
def world(host: MotoHost) -> World:
    return World(host)


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    import types
    def sample_model(model_id):
        if model_id != "ar-cnn-bach": raise KeyError(model_id)
        return types.SimpleNamespace(algorithm="AR-CNN")
    monkeypatch.setattr("service.library.creating.sample_model", sample_model)
