"""What a hostile or a damaged backup is refused for, and how that is said."""

import contextlib
import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.durable.care.archive import (
    ArchivedFile,
    ArchiveError,
    ArchiveReader,
    Manifest,
    Source,
    write_archive,
)
from infra.local.durable.care.backup import back_up
from infra.local.durable.care.restore import restore
from infra.local.durable.errors import NewerFormatError, StoreError
from tests.data_folders import filled_folder

BODY = "bodies/" + "0" * 32


def file_of(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def manifest_of(*files: dict[str, Any], **changes: Any) -> bytes:
    members = {"format": 1, "chorale": "1.0", "created": "2026-11-20T10:00:00Z", "account": "123456789012"}
    return json.dumps(members | {"files": files} | changes).encode()


SOUND = (("state.db", b"rows"), (BODY, b"body"), ("account.json", b"{}"))
SOUND_MANIFEST = manifest_of(*(file_of(*file) for file in SOUND))


def tar_of(*members: tuple[str, bytes], **attributes: Any) -> bytes:
    """A tar of plain files; `attributes` are given to the header of the second."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for number, (name, content) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if number == 1:
                for attribute, value in attributes.items():
                    setattr(info, attribute, value)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def read(content: bytes) -> dict[str, bytes]:
    reader = ArchiveReader(io.BytesIO(content))
    return {file.name: b"".join(chunks) for file, chunks in reader.files()}


def test_a_sound_archive_is_read() -> None:
    assert read(tar_of(("manifest.json", SOUND_MANIFEST), *SOUND)) == dict(SOUND)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (tarfile.XHDTYPE, "an extended header"),
        (tarfile.GNUTYPE_LONGNAME, "a long name"),
        (b"Z", "of an unknown kind"),
    ],
)
def test_only_plain_files_are_taken(kind: bytes, said: str) -> None:
    hostile = tar_of(("manifest.json", SOUND_MANIFEST), *SOUND, type=kind, linkname="/etc/passwd")
    with pytest.raises(ArchiveError, match=f"'state.db' in it is {said}, and no plain file"):
        read(hostile)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../account.json",
        "bodies/../../x",
        "bodies/" + "0" * 31,
        "bodies/" + "A" * 32,
        "bodies/bodies.lock",
        "lock",
        "server.json",
        "tls/key.pem",
        "./state.db",
        "state.db-wal",
        "state.db\x01",
        "bodies",
    ],
)
def test_only_the_names_of_a_backup_are_taken(name: str) -> None:
    with pytest.raises(ArchiveError, match="in it is not the name of a file in a backup"):
        read(tar_of(("manifest.json", SOUND_MANIFEST), (name, b"x")))
    with pytest.raises(ArchiveError, match=r"files\[1\]\) has no valid name"):
        read(tar_of(("manifest.json", manifest_of(file_of("state.db", b""), file_of(name, b"")))))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ((SOUND[0], SOUND[0]), "it holds state.db twice"),
        ((SOUND[0], SOUND[2]), f"it holds account.json where its manifest.json lists {BODY}"),
        ((SOUND[0],), f"it ends before {BODY}"),
        ((("state.db", b"longer rows"),), "state.db in it has 11 bytes, and its manifest.json says 4"),
        ((("state.db", b"ROWS"),), "state.db in it is damaged: its SHA-256 is not the one in manifest.json"),
        ((*SOUND, ("master.key", b"more")), "it holds more than its manifest.json lists"),
    ],
)
def test_what_is_not_as_the_manifest_says_is_refused(members: tuple[tuple[str, bytes], ...], said: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        read(tar_of(("manifest.json", SOUND_MANIFEST), *members))
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"{", "its manifest.json is not JSON"),
        (b"[" * 100_000, "its manifest.json is not JSON"),
        (b"[]", "its manifest.json is not a JSON object"),
        (manifest_of(format="1"), "its manifest.json has no valid format"),
        (manifest_of(format=True), "its manifest.json has no valid format"),
        (manifest_of(account="1"), "its manifest.json has no valid account"),
        (manifest_of(created="now"), "its manifest.json has no valid created"),
        (manifest_of(chorale="\x1b[2J"), "its manifest.json has no valid chorale"),
        (manifest_of(files={}), "files in its manifest.json must be a list of at most 1,000,000"),
        (manifest_of(files=[1]), "its manifest.json (files[0]) is not a JSON object"),
        (manifest_of(file_of("state.db", b"") | {"size": -1}), "its manifest.json (files[0]) has no valid size"),
        (manifest_of(file_of("state.db", b"") | {"sha256": "x"}), "its manifest.json (files[0]) has no valid sha256"),
        (manifest_of(*[file_of("state.db", b"")] * 2), "its manifest.json lists state.db twice"),
        (manifest_of(file_of("state.db", b"")), "its manifest.json lists no account.json"),
        (manifest_of(file_of("account.json", b"")), "its manifest.json lists no state.db"),
        (
            manifest_of(file_of("account.json", b""), file_of("state.db", b"")),
            "its manifest.json must list account.json last",
        ),
    ],
)
def test_a_manifest_is_refused_by_the_name_of_what_is_wrong(manifest: bytes, said: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        read(tar_of(("manifest.json", manifest), *SOUND))
    assert str(refused.value) == said


def test_a_backup_of_a_later_version_is_told_as_such() -> None:
    with pytest.raises(NewerFormatError, match=r"later version of Chorale \(9.9, format 2; this one reads up to 1\)"):
        read(tar_of(("manifest.json", manifest_of(format=2, chorale="9.9")), *SOUND))


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"x" * 10_000, bytes(10_240), tar_of(("state.db", b"rows"))])
def test_what_is_no_backup_at_all_is_told_as_such(content: bytes) -> None:
    with pytest.raises(ArchiveError):
        read(content)


def test_nothing_may_follow_behind_the_end() -> None:
    with pytest.raises(ArchiveError, match="something follows behind its end"):
        read(tar_of(("manifest.json", SOUND_MANIFEST), *SOUND) + b"more")


@given(st.data())
def test_a_cut_archive_is_never_taken_for_a_whole_one(data: st.DataObject) -> None:
    whole = tar_of(("manifest.json", SOUND_MANIFEST), *SOUND)
    end_of_content = len(whole.rstrip(b"\0")) + 512
    with pytest.raises(ArchiveError):
        read(whole[: data.draw(st.integers(0, end_of_content))])


@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing_that_is_read(data: st.DataObject) -> None:
    whole = bytearray(tar_of(("manifest.json", SOUND_MANIFEST), *SOUND))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(StoreError):
        assert read(bytes(whole)) == dict(SOUND)


def test_a_source_that_changes_while_it_is_copied_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"rows")
    described = Source("state.db", tmp_path / "rows").described()
    assert described == ArchivedFile("state.db", 4, hashlib.sha256(b"rows").hexdigest())
    manifest = Manifest("1.0", "2026-11-20T10:00:00Z", "123456789012", (described,))
    for content, said in ((b"ROWS", "changed"), (b"r", "became shorter")):
        (tmp_path / "rows").write_bytes(content)
        with pytest.raises(ArchiveError, match=said):
            write_archive(io.BytesIO(), manifest, [Source("state.db", tmp_path / "rows")])


def rebuilt(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with some of its files changed and its manifest made to fit them."""
    files = read(archive.read_bytes())
    change(files)
    manifest = manifest_of(*(file_of(*file) for file in files.items()))
    archive.write_bytes(tar_of(("manifest.json", manifest), *files.items()))
    return archive


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account.json": b"{}"}, "its account cannot be used: account.json has no valid accountId"),
        ({"account.json": b"no"}, "account.json is damaged: it is not JSON"),
        ({"state.db": b"no database at all"}, "cannot be restored: state.db is damaged"),
        ({"state.db": b""}, "cannot be restored: state.db is not a database of Chorale"),
        ({"master.key": b"short"}, "master.key is no master key"),
        ({"master.key": b"A" * 43 + b"=\n"}, "does not open"),
        ({BODY: b"of nobody"}, f"it holds a body that no object needs, {'0' * 32}"),
    ],
)
def test_a_backup_that_fits_its_manifest_and_is_wrong_all_the_same_is_refused(
    tmp_path: Path, changes: dict[str, bytes], said: str
) -> None:
    back_up(filled_folder(tmp_path / "data"), tmp_path / "b.tar")

    def change(files: dict[str, bytes]) -> None:
        files.update(changes)
        files["account.json"] = files.pop("account.json")  # which must be the last

    with pytest.raises(StoreError) as refused:
        restore(rebuilt(tmp_path / "b.tar", change), tmp_path / "again")
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path / 'b.tar'} cannot be restored: ")
    assert ".restoring-" not in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "data"]


def test_a_database_that_would_act_by_itself_is_refused(tmp_path: Path) -> None:
    back_up(filled_folder(tmp_path / "data"), tmp_path / "b.tar")

    def add_a_trigger(files: dict[str, bytes]) -> None:
        path = tmp_path / "state.db"
        path.write_bytes(files["state.db"])
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TRIGGER forgetful AFTER INSERT ON item BEGIN DELETE FROM state; END")
            database.commit()
        files["state.db"] = path.read_bytes()

    with pytest.raises(StoreError, match=r"state\.db holds the trigger 'forgetful', which Chorale never makes"):
        restore(rebuilt(tmp_path / "b.tar", add_a_trigger), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_backup_that_lacks_a_body_is_refused(tmp_path: Path) -> None:
    back_up(filled_folder(tmp_path / "data"), tmp_path / "b.tar")

    def drop_the_body(files: dict[str, bytes]) -> None:
        for name in [name for name in files if name.startswith("bodies/")]:
            del files[name]

    with pytest.raises(ArchiveError, match=r"it lacks the body [0-9a-f]{32}"):
        restore(rebuilt(tmp_path / "b.tar", drop_the_body), tmp_path / "again")
