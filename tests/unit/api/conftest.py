from collections.abc import Iterator

import pytest
from api_driver import ApiDriver, LibraryDouble


@pytest.fixture
def library() -> LibraryDouble:
    return LibraryDouble()


@pytest.fixture
def api(library: LibraryDouble) -> Iterator[ApiDriver]:
    driver = ApiDriver(library)
    yield driver
    driver.close()
