"""A start after a kill, or after somebody's hand in the folder: rows and files come together again."""

import logging
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from infra.local.durable.s3.body_files import SCRATCH_SUFFIX
from tests.integration.durable.object_host import opened

LARGE = b"large " * 20_000


def test_files_without_a_row_are_removed_at_the_start(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        host.client().create_bucket(Bucket="bucket")
        host.client().put_object(Bucket="bucket", Key="key", Body=LARGE)
        kept = host.bodies.names()
        with host.bodies.writer() as writer:
            writer.write(LARGE)
            writer.finish()
    (tmp_path / "bodies" / f"{'0' * 32}{SCRATCH_SUFFIX}").write_bytes(b"of a writer that was killed")
    with opened(tmp_path) as host:
        assert {path.name for path in (tmp_path / "bodies").iterdir()} - {"bodies.lock"} == kept
        assert host.client().get_object(Bucket="bucket", Key="key")["Body"].read() == LARGE


def test_an_object_whose_file_is_missing_is_told_of_and_not_listed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as host:
        client = host.client()
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="music/lost", Body=LARGE)
        (name,) = host.bodies.names()
        client.put_object(Bucket="bucket", Key="music/kept", Body=LARGE)
        client.put_object(Bucket="bucket", Key="music/small", Body=b"small")
    (tmp_path / "bodies" / name).unlink()
    with caplog.at_level(logging.ERROR), opened(tmp_path) as host:
        client = host.client()
        assert [found["Key"] for found in client.list_objects_v2(Bucket="bucket")["Contents"]] == [
            "music/kept",
            "music/small",
        ]
        with pytest.raises(ClientError, match="NoSuchKey"):
            client.get_object(Bucket="bucket", Key="music/lost")
        with host.store.reading() as connection:
            assert connection.execute("SELECT b, k, n FROM lost_object").fetchall() == [("bucket", b"music/lost", 1)]
            assert connection.execute("SELECT name FROM body_file WHERE name = ?", (name,)).fetchall() == []
    assert "bucket/music/lost" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.ERROR), opened(tmp_path):
        assert caplog.text == ""


def test_a_lost_part_of_several_takes_the_others_with_it(tmp_path: Path) -> None:
    part = bytes(5 << 20)
    with opened(tmp_path) as host:
        client = host.client()
        client.create_bucket(Bucket="bucket")
        place = {"Bucket": "bucket", "Key": "key"}
        upload = place | {"UploadId": client.create_multipart_upload(**place)["UploadId"]}
        parts = [
            {"PartNumber": number, "ETag": client.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
            for number in (1, 2)
        ]
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        name = min(host.bodies.names())
    (tmp_path / "bodies" / name).unlink()
    with opened(tmp_path) as host:
        assert host.bodies.names() == set()
        assert "Contents" not in host.client().list_objects_v2(Bucket="bucket")


def test_a_part_whose_file_is_missing_is_sent_again(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        client = host.client()
        client.create_bucket(Bucket="bucket")
        upload = {"Bucket": "bucket", "Key": "key"}
        upload |= {"UploadId": client.create_multipart_upload(**upload)["UploadId"]}
        client.upload_part(**upload, PartNumber=1, Body=LARGE)
        (name,) = host.bodies.names()
    (tmp_path / "bodies" / name).unlink()
    with opened(tmp_path) as host:
        client = host.client()
        assert "Parts" not in client.list_parts(**upload)
        part = {"PartNumber": 1, "ETag": client.upload_part(**upload, PartNumber=1, Body=LARGE)["ETag"]}
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
        assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == LARGE
