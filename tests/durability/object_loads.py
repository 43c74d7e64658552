"""The clients of S3: objects in all sizes, in parts, and in versions."""

import hashlib
from random import Random
from typing import Any

from cloud_servers import ServedCloud
from load import Load

KEYS = 40  # of each load; few, so that the same ones are written again and again
KIB = 1024


class Objects(Load):
    """S3: puts and deletes of objects of these sizes, sometimes in parts."""

    def __init__(self, name: str, random: Random, sizes: tuple[int, ...], parts: float = 0.0) -> None:
        super().__init__(name, random)
        self._sizes = sizes
        self._parts = parts

    def prepare(self, cloud: ServedCloud) -> None:
        cloud.client("s3").create_bucket(Bucket=self.name)

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("s3")

    def step(self) -> None:
        key = f"folder-{self.random.randrange(3)}/object-{self.random.randrange(KEYS)}"
        if key in self.ledger.settled and self.random.random() < 0.3:
            self.write({key: None}, self.client.delete_object, Bucket=self.name, Key=key)
        elif self.random.random() < self._parts:
            self._upload_in_parts(key)
        else:
            body = self.random.randbytes(self.random.choice(self._sizes) + self.random.randrange(100))
            mark = body[:8].hex()
            put = {"Bucket": self.name, "Key": key, "Body": body, "Metadata": {"mark": mark}}
            self.write({key: (_digest(body), mark)}, self.client.put_object, **put)

    def found(self) -> dict[str, tuple[str, str]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        found = {}
        for listed in [entry for page in pages for entry in page.get("Contents", [])]:
            answer = self.client.get_object(Bucket=self.name, Key=listed["Key"])
            body = answer["Body"].read()
            assert listed["Size"] == len(body) == answer["ContentLength"]
            found[listed["Key"]] = (_digest(body), answer["Metadata"].get("mark", ""))
        return found

    def clear(self) -> None:
        for key in list(self.ledger.settled):
            self.write({key: None}, self.client.delete_object, Bucket=self.name, Key=key)
        for upload in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", []):
            self.client.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])

    def _upload_in_parts(self, key: str) -> None:
        bodies = [self.random.randbytes(5 * KIB * KIB), self.random.randbytes(100 * KIB)]
        target = {"Bucket": self.name, "Key": key}
        upload = self.send(self.client.create_multipart_upload, **target)
        if upload is None:
            return
        target["UploadId"] = upload["UploadId"]
        parts = []
        for number, body in enumerate(bodies, start=1):
            answer = self.send(self.client.upload_part, **target, PartNumber=number, Body=body)
            if answer is None:
                return
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        value = (_digest(b"".join(bodies)), "")
        complete = self.client.complete_multipart_upload
        self.write({key: value}, complete, **target, MultipartUpload={"Parts": parts})


class Versions(Load):
    """S3: an object's versions and delete markers; the value of a key is what they hold, sorted."""

    MOST = 8  # of a key: then one is removed
    MARKER = "deleted"

    def prepare(self, cloud: ServedCloud) -> None:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=self.name)
        s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def connect(self, cloud: ServedCloud) -> None:
        self.client = cloud.client("s3")

    def step(self) -> None:
        key = f"object-{self.random.randrange(5)}"
        before = self.ledger.settled.get(key, ())
        where = {"Bucket": self.name, "Key": key}
        if len(before) >= self.MOST:
            self._remove(self.random.choice(self.send(self._listed)[key]))
        elif before and self.random.random() < 0.2:
            self.write({key: _sorted(*before, self.MARKER)}, self.client.delete_object, **where)
        else:
            body = self.random.randbytes(self.random.choice([10, 70 * KIB]))
            self.write({key: _sorted(*before, _digest(body))}, self.client.put_object, **where, Body=body)

    def found(self) -> dict[str, tuple[str, ...]]:
        listed = self._listed()
        return {key: _sorted(*(self._content(version) for version in listed[key])) for key in listed}

    def clear(self) -> None:
        for version in [version for versions in self._listed().values() for version in versions]:
            self._remove(version)

    def _remove(self, version: dict[str, Any]) -> None:
        """A removed version is gone for good, and with its last one the key."""
        rest = list(self.ledger.settled[version["Key"]])
        rest.remove(self.send(self._content, version=version))
        where = {"Key": version["Key"], "VersionId": version["VersionId"]}
        self.write({version["Key"]: _sorted(*rest) or None}, self.client.delete_object, Bucket=self.name, **where)

    def _listed(self) -> dict[str, list[dict[str, Any]]]:
        """The versions and markers of every key."""
        answer = self.client.list_object_versions(Bucket=self.name)
        assert not answer["IsTruncated"]
        listed: dict[str, list[dict[str, Any]]] = {}
        for entry in [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]:
            listed.setdefault(entry["Key"], []).append(entry)
        return listed

    def _content(self, version: dict[str, Any]) -> str:
        if "Size" not in version:
            return self.MARKER
        answer = self.client.get_object(Bucket=self.name, Key=version["Key"], VersionId=version["VersionId"])
        return _digest(answer["Body"].read())


def _sorted(*contents: str) -> tuple[str, ...]:
    return tuple(sorted(contents))


def _digest(body: bytes) -> str:
    return f"{len(body)} bytes {hashlib.sha256(body).hexdigest()}"
