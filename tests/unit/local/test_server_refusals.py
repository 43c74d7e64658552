"""What the server will not even start with, told in one sentence."""

import socket
from pathlib import Path

import pytest

from infra.local.account import ACCOUNT_FILE
from infra.local.platform_calls import FolderLock
from infra.local.server import ServeError, ServeOptions, serve


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"host": "0.0.0.0"}, "needs --tls"),
        ({"host": "::"}, "needs --tls"),
        ({"host": "203.0.113.7"}, "needs --tls"),
        ({"host": "music.example"}, "needs --tls"),
        ({"tls": (Path("missing.pem"), Path("key.pem"))}, "no file"),
        ({"allowed_hosts": ("http://music.example",)}, "no host name"),
    ],
)
def test_what_cannot_be_served_is_refused_before_an_account_is_made(tmp_path, options, told):
    with pytest.raises(ServeError, match=told) as caught:
        serve(ServeOptions(tmp_path / "data", port=0, **options))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data" / ACCOUNT_FILE).exists()


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"cannot listen on 127.0.0.1 port {port}"):
            serve(ServeOptions(tmp_path, port=port))
    assert not (tmp_path / ACCOUNT_FILE).exists()


def test_a_damaged_account_is_an_error_and_stays_as_it_is(tmp_path):
    (tmp_path / ACCOUNT_FILE).write_text("{")
    with pytest.raises(ServeError, match="damaged"):
        serve(ServeOptions(tmp_path, port=0))
    assert (tmp_path / ACCOUNT_FILE).read_text() == "{"


def test_a_folder_that_is_served_already_is_refused(tmp_path):
    with FolderLock(tmp_path), pytest.raises(ServeError, match="already served by process"):
        serve(ServeOptions(tmp_path, port=0))


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(ServeError, match="data"):
        serve(ServeOptions(tmp_path / "data", port=0))
