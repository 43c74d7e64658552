"""What moto keeps in memory and we do not store is a defect: found by walking through all of it.

The walk knows nothing of the codec, so that it sees what the codec passes over.
"""

import sys
from collections.abc import Iterator
from contextlib import closing
from enum import Enum
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.local.moto_services import BACKENDS
from tests.integration.durable.account_answers import answers
from tests.integration.durable.filled_account import fill
from tests.integration.durable.small_world import SmallWorld

# What may differ after a restart, by class and attribute, and why.
FORGOTTEN = {
    ("OutputMap", "_parsed_outputs"): "worked out when a stack is described",
    ("StoredLogStream", "first_event_timestamp"): "read from the rows when a stream is described",
    ("StoredLogStream", "last_event_timestamp"): "read from the rows when a stream is described",
    ("StoredLogGroup", "rows"): "the rows themselves; a group that only a deleted stack tells of needs none",
    ("AccountSpecificBackend", "_id"): "made by moto at every start",
    ("BackendDict", "_id"): "made by moto at every start",
    ("S3BackendDict", "_id"): "made by moto at every start",
}

# Counters of moto's modules that go on from nothing after a restart, and why nobody notices.
COUNTED = {
    "moto.logs.models:LogEvent._event_id": "events are told by ids that come from their rows",
    "moto.logs.models:LogStream._log_ids": "nothing reads it",
}

_PLAIN = (type(None), bool, int, float, str, bytes)


def picture(root: Any) -> dict[str, str]:
    """All that can be reached from an object: by the way there, what it is. What was met before is told by that."""
    met: dict[int, str] = {}
    keep: list[Any] = []
    seen: dict[str, str] = {}
    waiting = [("", root)]
    while waiting:
        way, thing = waiting.pop()
        if isinstance(thing, _PLAIN):
            seen[way] = f"{type(thing).__name__} {thing!r}"
        elif id(thing) in met and not isinstance(thing, tuple):
            seen[way] = f"same as {met[id(thing)]}"
        else:
            met[id(thing)] = way
            keep.append(thing)
            seen[way] = _kind(thing)
            waiting.extend((f"{way}{step}", inner) for step, inner in reversed(list(_inside(thing))))
    return seen


def _kind(thing: Any) -> str:
    if isinstance(thing, PrivateKeyTypes):
        return f"key {thing.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()}"
    if _is_looked_into(thing):
        # Ours stands for the class of moto's that it comes from.
        return next(base.__name__ for base in type(thing).__mro__ if not base.__module__.startswith("infra."))
    return (
        ""
        if _is_ours(thing) or isinstance(thing, FunctionType | MethodType | type)
        else f"{type(thing).__name__} {thing!r}"
    )


def _inside(thing: Any) -> Iterator[tuple[str, Any]]:
    if not _is_looked_into(thing):
        return
    if isinstance(thing, dict):
        yield from ((f"[{key!r}]", value) for key, value in dict.items(thing))
    elif isinstance(thing, list | tuple):
        yield from ((f"[{place}]", value) for place, value in enumerate(thing))
    elif isinstance(thing, set | frozenset):
        yield "{}", sorted(map(repr, thing))
    for name, value in sorted(getattr(thing, "__dict__", {}).items()):
        if (type(thing).__name__, name) not in FORGOTTEN:
            yield f".{name}", value


def _is_looked_into(thing: Any) -> bool:
    if isinstance(thing, Enum | ModuleType | FunctionType | MethodType | type):
        return False
    return isinstance(thing, dict | list | tuple | set | frozenset) or any(
        base.__module__.startswith("moto.") for base in type(thing).__mro__
    )


def _is_ours(thing: Any) -> bool:
    """Rows of the store, under what moto believes to hold in memory."""
    return type(thing).__module__.startswith("infra.")


def memory() -> dict[str, str]:
    return picture(dict(sorted(BACKENDS.items())))


def counted() -> dict[str, str]:
    """Every plain value and container that a module of moto or a class in it holds by itself."""
    held = {}
    services = tuple(f"moto.{service}" for service in BACKENDS)
    for name, module in sorted(sys.modules.items()):
        if name.startswith(services) and name.partition(".models")[1] == ".models":
            held.update(_held(module, f"{name}:"))
            for owner in vars(module).values():
                if isinstance(owner, type) and owner.__module__ == name:
                    held.update(_held(owner, f"{name}:{owner.__qualname__}."))
    return held


def _held(owner: Any, way: str) -> dict[str, str]:
    return {
        f"{way}{name}": repr(value)
        for name, value in vars(owner).items()
        if isinstance(value, (*_PLAIN, list, dict, set))
        and not name.startswith("__")
        and name != "instances_tracked"
        and value not in BACKENDS.values()
    }


def test_all_that_is_in_memory_comes_back(filled_folder: Path, tmp_path: Path) -> None:
    with closing(SmallWorld(tmp_path)) as world:
        fill(world.client)
        answers(world.client)
        before = memory()
    with closing(SmallWorld(tmp_path)) as world:
        answers(world.client)
        after = memory()
    assert len(before) > 2500
    lost = [f"{way}: {what} became {after.get(way)}" for way, what in before.items() if after.get(way) != what]
    assert lost == []
    assert after.keys() == before.keys()


def test_a_refused_write_leaves_all_of_memory_as_it_was(filled: SmallWorld) -> None:
    before = memory()
    filled.client("iam").create_user(UserName="more")
    changed = memory()
    assert changed != before
    with filled.folder.store.writing():
        backend = BACKENDS["iam"][filled.account]["aws"]
        backend.delete_user("more")
        filled.small.flush({"iam"})
    assert memory() == before


def test_moto_counts_nothing_that_a_restart_would_disturb(tmp_path: Path) -> None:
    before = counted()
    assert before
    with closing(SmallWorld(tmp_path)) as world:
        fill(world.client)
        after = counted()
    assert {way for way in after if before.get(way) != after[way]} <= COUNTED.keys()
