"""What our own clients get of an object that the host streams to them."""

from typing import Any

import pytest
from botocore.credentials import Credentials

from infra.local.dispatch import Dispatch
from infra.local.http import BodyStream, LocalResponse

PIECES = [bytes([number]) * 70_000 for number in range(9)]


class Host:
    """Answers every request with one stream, and remembers whether it was closed."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.closed = False

    def handle(self, *_: Any, **__: Any) -> LocalResponse:
        return LocalResponse(200, (("etag", '"x"'),), b"", BodyStream(sum(map(len, PIECES)), self._pieces()))

    def _pieces(self):
        try:
            yield from PIECES
        finally:
            self.closed = True


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def body(host):
    s3 = Dispatch(host).session(Credentials("AKID", "secret")).client("s3")
    return s3.get_object(Bucket="music", Key="large")["Body"]


def test_it_can_be_read_whole(body):
    assert body.read() == b"".join(PIECES)


@pytest.mark.parametrize("size", [1000, 65_536, 1 << 20])
def test_it_can_be_read_in_pieces_of_any_size(body, size):
    assert b"".join(body.iter_chunks(size)) == b"".join(PIECES)


def test_closing_it_early_closes_the_stream(host, body):
    assert body.read(10) == PIECES[0][:10]
    assert not host.closed
    body.close()
    assert host.closed
