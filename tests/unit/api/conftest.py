from collections.abc import Iterator

import pytest
from api_driver import ApiDriver, LibraryDouble


@pytest.fixture(scope="session")
def shared_driver() -> Iterator[ApiDriver]:
    driver = ApiDriver(LibraryDouble())
    yield driver
    driver.close()


@pytest.fixture
def library() -> LibraryDouble:
    return LibraryDouble()


@pytest.fixture
def api(shared_driver: ApiDriver, library: LibraryDouble) -> ApiDriver:
    shared_driver.app.state.library = library
    return shared_driver
