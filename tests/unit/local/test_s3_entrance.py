"""S3's uploads and downloads through the gateway, over ASGI: where bodies go, and what is left of failed ones."""

import hashlib
import itertools
import tracemalloc
import zlib
from base64 import b64encode

import pytest
from asgi_driver import HOST, HungUpError, call, signed
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from storing_host import StoringHost, gateway_to

from infra.local import s3_entrance
from infra.local.account import Account
from infra.local.durable.s3 import body_files
from infra.local.durable.s3.bodies import INLINE_BYTES, Bodies, StoredBody
from infra.local.http import LocalResponse
from infra.local.protocol_errors import error_response
from infra.local.sessions import API_ROLE, SERVICE_SESSION, Sessions

LARGE = bytes(range(256)) * 4096  # 1 MiB
STRANGER = Credentials("AKIASTRANGER00000000", "guessed")


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    return Account.create(tmp_path_factory.mktemp("account"))


@pytest.fixture
def bodies(tmp_path):
    return Bodies(tmp_path / "bodies")


@pytest.fixture
def host(bodies):
    return StoringHost(bodies)


@pytest.fixture
def gateway(account, host):
    made = gateway_to(host, account)
    yield made
    made.close()


def files(bodies):
    return {path.name for path in bodies.folder.iterdir()} - {"bodies.lock"}


def in_pieces(content, size=100_000):
    return [content[start : start + size] for start in range(0, len(content), size)]


def put(gateway, account, content, target="/music/key", headers=None, sent=None, **options):
    """A signed PutObject of `content`, of which the pieces `sent` are what really comes."""
    announced = {"content-length": str(len(content))} if content is not None else {}
    target, signed_headers = signed(account, "s3", "PUT", target, {**announced, **(headers or {})}, content)
    return call(gateway, "PUT", target, signed_headers, pieces=sent or in_pieces(content), **options)


def in_chunks(account, chunks, trailer="", *, payload=None, announced=None, target="/music/key", query=None):
    """Headers and body of a PutObject in unsigned chunks, or in chunks signed under `payload`."""
    key = Credentials(account.access_key_id, account.secret_access_key)
    size = sum(map(len, chunks)) if announced is None else announced
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(size)}
    if trailer:
        headers["x-amz-trailer"] = trailer.partition(":")[0]
    request = AWSRequest("PUT", f"http://{HOST}{target}", headers=headers, data=b"")

    class Signer(S3SigV4Auth):
        def payload(self, request):
            return payload or "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

    signer = Signer(key, "s3", account.region)
    request.headers["X-Amz-Content-SHA256"] = signer.payload(request)
    signer.add_auth(request)
    if payload is None:
        encoded = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
        return list(request.headers.items()), encoded + b"0\r\n" + (
            f"{trailer}\r\n" if trailer else ""
        ).encode() + b"\r\n"
    return list(request.headers.items()), _signed_chunks(signer, request, chunks)


def _signed_chunks(signer, request, chunks):
    previous = request.headers["Authorization"].rpartition("Signature=")[2]
    encoded = b""
    for chunk in [*chunks, b""]:
        covered = f"{hashlib.sha256(b'').hexdigest()}\n{hashlib.sha256(chunk).hexdigest()}"
        scope = signer.credential_scope(request)
        to_sign = f"AWS4-HMAC-SHA256-PAYLOAD\n{request.context['timestamp']}\n{scope}\n{previous}\n{covered}"
        previous = signer.signature(to_sign, request)
        encoded += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + b"\r\n"
    return encoded


def only_object(host):
    (stored,) = host.objects["/music/key"]
    return stored


def test_a_large_upload_is_in_its_file_before_the_host_sees_it(gateway, account, host, bodies):
    assert put(gateway, account, LARGE).status == 200
    stored = only_object(host)
    assert isinstance(stored.content, StoredBody)
    assert stored.md5 == hashlib.md5(LARGE).hexdigest()
    assert stored.headers["content-length"] == str(len(LARGE))
    assert b"".join(bodies.read(stored.content)) == LARGE
    assert files(bodies) == {stored.content.name}


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1])
@pytest.mark.parametrize("announced", [True, False])
def test_a_small_upload_is_handed_over_in_memory_and_one_byte_more_is_not(
    gateway, account, host, bodies, size, announced
):
    content = LARGE[:size]
    target, headers = signed(account, "s3", "PUT", "/music/key", {}, content)
    headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    if announced:
        headers.append(("content-length", str(size)))
    assert call(gateway, "PUT", target, headers, pieces=in_pieces(content, 1000) or [b""]).status == 200
    stored = only_object(host)
    assert isinstance(stored.content, StoredBody) == (size > INLINE_BYTES)
    assert stored.size == size
    assert len(files(bodies)) == (size > INLINE_BYTES)


def test_only_uploads_go_to_files(gateway, account, host, bodies):
    host.uploads["up"] = {}
    content = b"<CompleteMultipartUpload>" + b" " * 200_000
    target, headers = signed(account, "s3", "POST", "/music/key?uploadId=up", {}, content)
    assert call(gateway, "POST", target, headers, content).status == 200
    assert host.asked == ["CompleteMultipartUpload"]
    assert files(bodies) == set()


@pytest.mark.parametrize("step", [1000, 65_536, 2 << 20])
def test_a_large_body_in_unsigned_chunks_is_decoded_on_its_way(gateway, account, host, bodies, step):
    crc = b64encode(zlib.crc32(LARGE).to_bytes(4)).decode()
    headers, encoded = in_chunks(account, in_pieces(LARGE), f"x-amz-checksum-crc32:{crc}")
    assert call(gateway, "PUT", "/music/key", headers, pieces=in_pieces(encoded, step)).status == 200
    stored = only_object(host)
    assert b"".join(bodies.read(stored.content)) == LARGE
    assert stored.checksums == {"x-amz-checksum-crc32": crc}
    assert stored.headers["x-amz-checksum-crc32"] == crc
    assert "content-encoding" not in stored.headers


def test_a_large_body_in_signed_chunks_is_proven_on_its_way(gateway, account, host, bodies):
    headers, encoded = in_chunks(account, in_pieces(LARGE), payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert call(gateway, "PUT", "/music/key", headers, pieces=in_pieces(encoded, 70_000)).status == 200
    assert b"".join(bodies.read(only_object(host).content)) == LARGE


def test_a_wrong_chunk_half_way_leaves_no_file_and_the_host_unasked(gateway, account, host, bodies):
    headers, encoded = in_chunks(account, in_pieces(LARGE), payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    middle = len(encoded) // 2
    forged = encoded[:middle] + bytes([encoded[middle] ^ 1]) + encoded[middle + 1 :]
    answer = call(gateway, "PUT", "/music/key", headers, pieces=in_pieces(forged, 70_000))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "SignatureDoesNotMatch")
    assert host.asked == ["GetBucketLocation"]
    assert files(bodies) == set()


WRONG_CRC = "x-amz-checksum-crc32:AAAAAA=="


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda account: in_chunks(account, in_pieces(LARGE), WRONG_CRC), "BadDigest"),
        (lambda account: in_chunks(account, in_pieces(LARGE), announced=len(LARGE) + 1), "IncompleteBody"),
        (lambda account: in_chunks(account, in_pieces(LARGE), announced=len(LARGE) - 1), "IncompleteBody"),
    ],
    ids=["checksum", "short", "long"],
)
def test_a_large_body_that_is_not_what_it_should_be_leaves_no_file(gateway, account, host, bodies, make, code):
    headers, encoded = make(account)
    answer = call(gateway, "PUT", "/music/key", headers, pieces=in_pieces(encoded))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, code)
    assert host.objects == {}
    assert files(bodies) == set()


def test_a_trailer_must_hold_what_was_announced_of_it(gateway, account, host):
    headers, encoded = in_chunks(account, [b"hello"], WRONG_CRC)
    without = encoded.replace(WRONG_CRC.encode() + b"\r\n", b"")
    assert without != encoded
    answer = call(gateway, "PUT", "/music/key", headers, without)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "MalformedTrailerError")
    assert host.objects == {}


def test_a_large_body_that_is_not_the_one_signed_leaves_no_file(gateway, account, host, bodies):
    answer = put(gateway, account, LARGE, sent=in_pieces(LARGE[:-1] + b"!"))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "XAmzContentSHA256Mismatch")
    assert host.objects == {}
    assert files(bodies) == set()


@pytest.mark.parametrize("algorithm", ["content-md5", "x-amz-checksum-crc32c", "x-amz-checksum-crc64nvme"])
def test_a_large_body_is_held_to_its_checksums(gateway, account, host, bodies, algorithm):
    answer = put(gateway, account, LARGE, headers={algorithm: b64encode(b"wrong").decode()})
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "BadDigest")
    assert files(bodies) == set()


def test_a_client_that_hangs_up_leaves_no_file(gateway, account, host, bodies):
    with pytest.raises(HungUpError):
        put(gateway, account, LARGE, hang_up_after=8)
    assert host.asked == ["GetBucketLocation"]
    assert files(bodies) == set()


def test_a_client_that_hangs_up_while_its_answer_is_sent_ends_it(gateway, account, host, bodies):
    put(gateway, account, LARGE * 20)
    target, headers = signed(account, "s3", "GET", "/music/key")
    answer = call(gateway, "GET", target, headers, hang_up_after=3)
    assert 3 <= answer.pieces < 10
    bodies.remove(only_object(host).content.name)  # which waits for readers
    assert files(bodies) == set()


def test_a_large_download_comes_in_pieces_and_whole(gateway, account, host):
    put(gateway, account, LARGE * 3)
    target, headers = signed(account, "s3", "GET", "/music/key")
    answer = call(gateway, "GET", target, headers)
    assert answer.body == LARGE * 3
    assert answer.headers["content-length"] == str(3 * len(LARGE))
    assert answer.pieces > 10
    target, headers = signed(account, "s3", "GET", "/music/key", {"range": "bytes=300000-699999"})
    answer = call(gateway, "GET", target, headers)
    assert (answer.status, answer.body) == (206, LARGE[300_000:700_000])


def test_a_body_that_is_damaged_breaks_the_download_off(gateway, account, host, bodies, caplog):
    put(gateway, account, LARGE)
    path = bodies.folder / only_object(host).content.name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    target, headers = signed(account, "s3", "GET", "/music/key")
    answer = call(gateway, "GET", target, headers)
    assert len(answer.body) < len(LARGE) == int(answer.headers["content-length"])
    assert f"{path}: segment" in caplog.text


def never_sent():
    """The pieces of a body that nobody should ask for."""
    yield b"first"
    raise AssertionError("the body was read")


EXPECTS = {"expect": "100-continue", "content-length": "1000000000"}


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/other/key", 404, "NoSuchBucket"),
        ("/music/key?partNumber=1&uploadId=ended", 404, "NoSuchUpload"),
        ("/music/key?cors", 501, "NotImplemented"),
    ],
)
def test_an_upload_that_would_come_to_nothing_is_refused_before_it_is_sent(
    gateway, account, bodies, target, status, code
):
    target, headers = signed(account, "s3", "PUT", target, EXPECTS)
    answer = call(gateway, "PUT", target, headers, pieces=never_sent())
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, code)
    assert answer.headers["connection"] == "close"
    assert files(bodies) == set()


def test_who_may_not_upload_is_told_before_the_body_is_sent(gateway, account, host):
    target, headers = signed(account, "s3", "PUT", "/music/key", EXPECTS, credentials=STRANGER)
    answer = call(gateway, "PUT", target, headers, pieces=never_sent())
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "InvalidAccessKeyId")
    session = Sessions(account).issue_for_role(API_ROLE, "test", SERVICE_SESSION)
    role = Credentials(session.access_key_id, session.secret_access_key, session.session_token)
    target, headers = signed(account, "s3", "PUT", "/music/key", EXPECTS, credentials=role)
    answer = call(gateway, "PUT", target, headers, pieces=never_sent())
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDenied")
    assert host.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-length": str((5 << 30) + 1)},
        {"content-length": "5", "x-amz-decoded-content-length": str((5 << 30) + 1)},
    ],
)
def test_an_upload_may_have_five_gibibytes(gateway, account, host, headers):
    target, signed_headers = signed(account, "s3", "PUT", "/music/key", {**headers, "expect": "100-continue"})
    answer = call(gateway, "PUT", target, signed_headers, pieces=never_sent())
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "EntityTooLarge")
    assert b"5368709120 bytes" in answer.body
    assert host.asked == []


def test_an_upload_whose_length_nobody_announced_is_held_to_the_limit(gateway, account, bodies, monkeypatch):
    monkeypatch.setattr(s3_entrance, "_UPLOAD_LIMIT", 1 << 19)
    target, headers = signed(account, "s3", "PUT", "/music/key", {}, LARGE)
    headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    answer = call(gateway, "PUT", target, headers, pieces=in_pieces(LARGE))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "EntityTooLarge")
    assert files(bodies) == set()


def test_the_body_of_another_operation_may_have_eight_mebibytes(gateway, account, host):
    target, headers = signed(account, "s3", "POST", "/music?delete", {"content-length": str((8 << 20) + 1)})
    answer = call(gateway, "POST", target, headers, pieces=[b"x"])
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "EntityTooLarge")
    assert host.asked == []


def test_a_body_that_nobody_adopted_is_removed(gateway, account, host, bodies):
    host.adopts = False
    assert put(gateway, account, LARGE).status == 200
    assert files(bodies) == set()


def test_a_body_whose_request_was_refused_is_removed(gateway, account, host, bodies):
    host.refusal = error_response("s3", 412, "PreconditionFailed", "At least one of the preconditions did not hold.")
    assert put(gateway, account, LARGE).status == 412
    assert files(bodies) == set()


def test_an_adopted_body_is_left_to_the_sweep_when_nobody_knows_how_its_write_ended(gateway, account, host, bodies):
    host.refusal = LocalResponse(500, (), b"")
    assert put(gateway, account, LARGE).status == 500
    assert len(files(bodies)) == 1
    assert len(bodies.sweep(set()).removed) == 1


def test_a_full_disk_refuses_the_upload_for_now(gateway, account, host, bodies, monkeypatch):
    def refuse(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(body_files, "sync_file", refuse)
    answer = put(gateway, account, LARGE)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (503, "ServiceUnavailable")
    assert b"no room on the disk" in answer.body
    assert host.objects == {}
    assert files(bodies) == set()


def test_many_pieces_go_in_and_out_in_constant_memory(gateway, account, host, bodies):
    size = 60 << 20
    key = Credentials(account.access_key_id, account.secret_access_key)
    request = AWSRequest("PUT", f"http://{HOST}/music/key", headers={"content-length": str(size)}, data=b"")
    request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"

    class Unsigned(S3SigV4Auth):
        def payload(self, request):
            return "UNSIGNED-PAYLOAD"

    Unsigned(key, "s3", account.region).add_auth(request)
    piece = LARGE[:65_536]
    tracemalloc.start()
    try:
        pieces = itertools.repeat(piece, size // len(piece))
        assert call(gateway, "PUT", "/music/key", list(request.headers.items()), pieces=pieces).status == 200
        assert only_object(host).size == size
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
