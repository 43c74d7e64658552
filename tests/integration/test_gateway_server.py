"""The server as a process: how it starts, what it leaves in its folder, how it speaks HTTP, how it ends."""

import http.client
import io
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cloud_servers import ServedCloud, start_server, stop_server

from infra.local.account import ACCOUNT_FILE, Account
from infra.local.environment import Running


def run_server(*arguments):
    """A server that is expected to end by itself."""
    command = [sys.executable, "-m", "service.cli", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def connect(served):
    host, port = served.endpoint.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def signed_headers(served, service, method, path, body=b"", headers=None):
    host = served.endpoint.removeprefix("http://")
    request = AWSRequest(method, f"{served.endpoint}{path}", headers={"Host": host, **(headers or {})}, data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    credentials = Credentials(served.account.access_key_id, served.account.secret_access_key)
    signer(credentials, service, served.account.region).add_auth(request)
    return dict(request.headers.items())


def head_of(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def answer(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response, response.read()


def test_the_folder_is_private_and_says_where_the_server_is(served_cloud):
    data = served_cloud.data
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / ACCOUNT_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((data / "access.log").stat().st_mode) == 0o600
    running = Running.read(data)
    assert (running.pid, running.endpoint, running.ca_bundle) == (served_cloud.pid, served_cloud.endpoint, None)


def test_a_second_server_on_the_folder_is_refused_in_one_sentence(served_cloud):
    second = run_server("--data", str(served_cloud.data), "--port", "0")
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.splitlines() == [
        f"Error: {served_cloud.data} is already served by process {served_cloud.pid}; stop it first"
    ]
    assert Running.read(served_cloud.data).pid == served_cloud.pid


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads the process's maps in /proc")
def test_the_serving_process_never_loads_torch(served_cloud):
    served_cloud.client("deepcomposer").list_sample_models()
    assert "libtorch" not in Path(f"/proc/{served_cloud.pid}/maps").read_text()


def test_the_log_holds_no_secret_and_no_query(served_cloud):
    s3 = served_cloud.client("s3")
    url = s3.generate_presigned_url("list_buckets")
    connection = http.client.HTTPConnection(served_cloud.endpoint.removeprefix("http://"), timeout=30)
    connection.request("GET", url.removeprefix(served_cloud.endpoint))
    response = connection.getresponse()
    assert (response.status, bool(response.read())) == (200, True)
    # A line is written after its answer is sent, and before the next request of the connection is begun.
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    log = (served_cloud.data / "access.log").read_text()
    assert "s3:ListBuckets" in log
    assert "X-Amz-Signature" not in log
    assert served_cloud.account.secret_access_key not in log
    assert served_cloud.account.secret_access_key not in (served_cloud.data.parent / "server.log").read_text()


def test_requests_follow_each_other_on_one_connection(served_cloud):
    with connect(served_cloud) as connection:
        for path, status in (("/healthz", 200), ("/compositions", 403), ("/healthz", 200)):
            connection.sendall(head_of("GET", path, {"Host": "localhost"}))
            response, _ = answer(connection)
            assert response.status == status
            assert response.getheader("server") is None
            assert response.getheader("x-amzn-requestid")


def test_a_body_in_transfer_chunks_is_read(served_cloud):
    body = b'{"x": 1}'
    headers = signed_headers(served_cloud, "deepcomposer", "POST", "/coupons", body)
    with connect(served_cloud) as connection:
        connection.sendall(head_of("POST", "/coupons", headers | {"Transfer-Encoding": "chunked"}))
        connection.sendall(b"3\r\n" + body[:3] + b"\r\n5\r\n" + body[3:] + b"\r\n0\r\n\r\n")
        response, told = answer(connection)
    assert response.status == 400
    assert response.getheader("x-amzn-errortype") == "ValidationException", told


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(served_cloud):
    served_cloud.client("s3").create_bucket(Bucket="asks-first")
    headers = signed_headers(served_cloud, "s3", "PUT", "/asks-first/k", b"hello")
    with connect(served_cloud) as connection:
        connection.sendall(head_of("PUT", "/asks-first/k", headers | {"Content-Length": "5", "Expect": "100-continue"}))
        assert connection.recv(64).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b"hello")
        assert answer(connection)[0].status == 200


def test_a_client_that_asks_and_may_not_is_refused_before_it_sends(served_cloud):
    headers = signed_headers(served_cloud, "s3", "PUT", "/asks-first/k", b"hello")
    headers["Authorization"] = headers["Authorization"][:-4] + "0000"
    with connect(served_cloud) as connection:
        connection.sendall(
            head_of("PUT", "/asks-first/k", headers | {"Content-Length": "500000000", "Expect": "100-continue"})
        )
        response, body = answer(connection)
    assert response.status == 403
    assert b"SignatureDoesNotMatch" in body


def test_a_body_that_is_too_long_gets_its_answer(served_cloud):
    body = b"x" * (3 << 20)
    headers = signed_headers(served_cloud, "deepcomposer", "POST", "/compositions", body)
    with connect(served_cloud) as connection:
        connection.sendall(head_of("POST", "/compositions", headers | {"Content-Length": str(len(body))}) + body)
        response, _ = answer(connection)
    assert response.status == 413


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 600_000 + b"\r\n\r\n", (400, 431)),
        (b"GET /" + b"x" * 600_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 431)),
        (b"GET /healthz HTTP/1.1\r\n\r\n", (421,)),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", (421,)),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", (421,)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,)),
        (b"GET /\xc3\xbc HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 403)),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n", (400, 421)),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            (400,),
        ),
    ],
)
def test_odd_requests_are_refused_and_the_server_goes_on(served_cloud, request_bytes, status):
    with connect(served_cloud) as connection:
        try:
            connection.sendall(request_bytes)
            received = connection.recv(65536)
        except ConnectionError:
            received = b""  # it was refused while we still sent
    if received:
        assert int(received.split()[1]) in status
    with connect(served_cloud) as connection:
        connection.sendall(head_of("GET", "/healthz", {"Host": "localhost"}))
        assert answer(connection)[0].status == 200


def test_a_stop_finishes_what_runs_and_leaves_nothing_behind(tmp_path):
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--no-prewarm")
    served = ServedCloud(endpoint, data, Account.load(data), server.pid)
    served.client("s3").create_bucket(Bucket="slow")
    headers = signed_headers(served, "s3", "PUT", "/slow/k", b"hello")
    with connect(served) as connection:
        # The server asks for the body, so the request runs; then it is told to stop.
        connection.sendall(head_of("PUT", "/slow/k", headers | {"Content-Length": "5", "Expect": "100-continue"}))
        assert connection.recv(64).startswith(b"HTTP/1.1 100")
        server.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(1)
        connection.sendall(b"hello")
        assert answer(connection)[0].status == 200
    assert server.wait(30) == 0
    assert not (data / "server.json").exists()
    again, _ = start_server(data, "--no-prewarm")
    assert Account.load(data) == served.account
    assert stop_server(again) == 0


def test_tls_of_our_own_carries_everything_boto3_does(tmp_path):
    data = tmp_path / "data"
    server, endpoint = start_server(data, "--tls", "self", "--no-prewarm", "--allow-host", "music.example")
    try:
        served = ServedCloud(endpoint, data, Account.load(data), server.pid)
        bundle = Running.read(data).ca_bundle
        session = served.session()
        session._session.set_config_variable("ca_bundle", bundle)
        assert endpoint.startswith("https://127.0.0.1:")
        assert stat.S_IMODE((data / "tls" / "key.pem").stat().st_mode) == 0o600
        assert served.client("sts", session=session).get_caller_identity()["Account"] == served.account.id
        assert "compositions" in served.client("deepcomposer", session=session).list_compositions()
        s3 = served.client("s3", session=session)
        s3.create_bucket(Bucket="over-tls")
        # Over TLS boto3 leaves the body unsigned, in aws-chunks with its checksum in a trailer.
        s3.put_object(Bucket="over-tls", Key="k", Body=io.BytesIO(b"x" * 3_000_000))
        assert s3.get_object(Bucket="over-tls", Key="k")["Body"].read() == b"x" * 3_000_000
        assert "ContentEncoding" not in s3.head_object(Bucket="over-tls", Key="k")
    finally:
        assert stop_server(server) == 0
