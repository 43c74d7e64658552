"""Large objects over real connections: boto3 clients, the gateway behind uvicorn, bodies in encrypted files."""

import hashlib
import http.client
import io
import socket
import threading
from dataclasses import dataclass

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from patience import eventually
from storing_host import StoringHost, gateway_to

from infra.local.account import Account
from infra.local.durable.s3.bodies import Bodies
from infra.local.listeners import Listeners, run

CONTENT = bytes(range(256)) * 4096 * 12  # 12 MiB


@dataclass
class Served:
    """A gateway behind a real port, in a thread of this process."""

    account: Account
    address: tuple[str, int]
    host: StoringHost
    bodies: Bodies

    def client(self, **config):
        keys = {
            "aws_access_key_id": self.account.access_key_id,
            "aws_secret_access_key": self.account.secret_access_key,
            "region_name": self.account.region,
        }
        settings = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **config)
        return boto3.client("s3", endpoint_url="http://{}:{}".format(*self.address), config=settings, **keys)

    def files(self):
        return {path.name for path in self.bodies.folder.iterdir()} - {"bodies.lock"}

    def head(self, method, path, headers):
        """The head of a signed request whose body is left unsigned."""
        host = "{}:{}".format(*self.address)
        request = AWSRequest(method, f"http://{host}{path}", headers={"Host": host, **headers}, data=b"")

        class Unsigned(S3SigV4Auth):
            def payload(self, request):
                return "UNSIGNED-PAYLOAD"

        request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
        keys = Credentials(self.account.access_key_id, self.account.secret_access_key)
        Unsigned(keys, "s3", self.account.region).add_auth(request)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    account = Account.create(tmp_path_factory.mktemp("account"))
    bodies = Bodies(tmp_path_factory.mktemp("data") / "bodies")
    host = StoringHost(bodies)
    gateway = gateway_to(host, account)
    public, internal = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    listeners = Listeners(gateway, public, internal, on_ready=ready.set, before_end=lambda: None)
    thread = threading.Thread(target=run, args=(listeners,))
    thread.start()
    assert ready.wait(30)
    yield Served(account, public.getsockname(), host, bodies)
    listeners.stop()
    thread.join(60)
    gateway.close()
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def empty(served):
    served.host.objects.clear()
    served.host.uploads.clear()
    for name in served.files():
        served.bodies.remove(name)


def test_boto3_puts_and_gets_a_large_object_as_a_stream(served):
    s3 = served.client()
    s3.put_object(Bucket="music", Key="large", Body=io.BytesIO(CONTENT))
    (stored,) = served.host.objects["/music/large"]
    assert stored.md5 == hashlib.md5(CONTENT).hexdigest()
    answer = s3.get_object(Bucket="music", Key="large")
    assert answer["ContentLength"] == len(CONTENT)
    assert hashlib.sha256(answer["Body"].read()).digest() == hashlib.sha256(CONTENT).digest()


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_the_checksum_that_boto3_takes_is_checked_and_told_to_the_host(served, algorithm):
    s3 = served.client()
    told = s3.put_object(Bucket="music", Key="large", Body=io.BytesIO(CONTENT), ChecksumAlgorithm=algorithm)
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 200
    (stored,) = served.host.objects["/music/large"]
    name = f"x-amz-checksum-{algorithm.lower()}"
    assert stored.checksums[name] == stored.headers[name]


def test_upload_fileobj_goes_in_parts_and_download_fileobj_in_ranges(served):
    transfer = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3 = served.client()
    s3.upload_fileobj(io.BytesIO(CONTENT), "music", "parts", Config=transfer)
    assert len(served.host.objects["/music/parts"]) == 3
    assert len(served.files()) == 3
    received = io.BytesIO()
    s3.download_fileobj("music", "parts", received, Config=transfer)
    assert hashlib.sha256(received.getvalue()).digest() == hashlib.sha256(CONTENT).digest()


def test_boto3_is_told_of_a_missing_bucket_though_its_body_was_never_read(served):
    with pytest.raises(ClientError) as caught:
        served.client().put_object(Bucket="nowhere", Key="large", Body=io.BytesIO(CONTENT))
    assert caught.value.response["Error"]["Code"] == "NoSuchBucket"
    assert served.files() == set()


def test_a_client_that_expects_to_be_told_sends_its_body_only_then(served):
    size = 1 << 20
    head = served.head("PUT", "/music/expected", {"Expect": "100-continue", "Content-Length": str(size)})
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(CONTENT[:size])
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
    head = served.head("PUT", "/nowhere/expected", {"Expect": "100-continue", "Content-Length": str(size)})
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(head)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.getheader("connection")) == (404, "close")


def test_an_upload_of_unknown_length_is_taken_as_it_comes(served):
    head = served.head("PUT", "/music/chunked", {"Transfer-Encoding": "chunked"})
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(head)
        for start in range(0, 1 << 20, 1 << 17):
            connection.sendall(b"20000\r\n" + CONTENT[start : start + (1 << 17)] + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
    assert served.client().get_object(Bucket="music", Key="chunked")["Body"].read() == CONTENT[: 1 << 20]


def test_a_client_that_hangs_up_half_way_leaves_no_file(served):
    head = served.head("PUT", "/music/half", {"Content-Length": str(len(CONTENT))})
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(head + CONTENT[: len(CONTENT) // 2])
        eventually(served.files)
    assert eventually(lambda: served.files() == set())
    assert "/music/half" not in served.host.objects


def test_a_client_that_hangs_up_on_its_download_holds_nothing_open(served):
    served.client().put_object(Bucket="music", Key="large", Body=io.BytesIO(CONTENT * 4))
    (stored,) = served.host.objects["/music/large"]
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(served.head("GET", "/music/large", {}))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        served.bodies.remove(stored.content.name)
        assert served.files() == {stored.content.name}  # it is being read
    assert eventually(lambda: served.files() == set())
