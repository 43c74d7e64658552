"""Graphs of objects: what is read is what was written, with what is shared shared; and nothing else is made."""

import json
import re
import threading
import uuid
from collections import OrderedDict, defaultdict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from infra.local.durable.services.graphs import Codec, GraphError, Kept


class Singer:
    """A class whose instances are kept; making one by its constructor would be noticed."""

    made = 0

    def __init__(self, name: str) -> None:
        type(self).made += 1
        self.name = name
        self.friends: list[Singer] = []
        self.mood: Any = "calm"


class Soloist(Singer):
    pass


class Conductor:
    pass


class Songs(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise AssertionError("the raw value was wanted")


class Voice(Enum):
    ALTO = "a"
    BASS = "b"


class Other(Enum):
    ONE = 1


class Slotted:
    __slots__ = ("name",)


CODEC = Codec(
    [Kept(Singer, left_out=frozenset({"mood"}), anew={"voice": lambda: "found again"}), Kept(Songs), Kept(Slotted)],
    [Voice],
)


def through(root: Any, **arguments: Any) -> Any:
    return CODEC.load(CODEC.dump(root), **arguments)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.none() | st.just(UTC)).map(lambda time: time.replace(fold=0))
    | st.dates()
    | st.uuids()
    | st.sampled_from(Voice),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(st.integers() | st.tuples(st.text(), st.integers()), inner)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers() | st.text())
        | st.sets(st.integers() | st.text())
    ),
    max_leaves=20,
)


@given(plain)
def test_what_is_read_is_what_was_written(value: Any) -> None:
    read = through(value)
    assert read == value
    assert repr(read) == repr(value) or isinstance(value, set | frozenset) or "{" in repr(value)


@given(plain)
def test_what_was_read_is_written_as_the_same_bytes(value: Any) -> None:
    written = CODEC.dump(value)
    assert CODEC.dump(CODEC.load(written)) == written


def test_the_same_set_is_the_same_bytes_in_whatever_order_it_grew() -> None:
    small = {8, 0}  # in a table of eight places both belong into the first
    grown = {0, 8}
    assert list(small) != list(grown)
    assert CODEC.dump(small) == CODEC.dump(grown)


def test_what_is_one_object_stays_one_object() -> None:
    tags = {"a": "b"}
    singer = Singer("ada")
    read = through([tags, tags, singer, {"again": singer}])
    assert read[0] is read[1]
    assert read[2] is read[3]["again"]
    assert read[0] is not tags


def test_equal_objects_stay_two() -> None:
    first, second = through([[1], [1]])
    assert first == second
    assert first is not second


def test_a_cycle_stays_a_cycle() -> None:
    ada, bea = Singer("ada"), Singer("bea")
    ada.friends, bea.friends = [bea], [ada]
    read = through(ada)
    assert read.friends[0].name == "bea"
    assert read.friends[0].friends[0] is read


def test_a_list_that_holds_itself_is_read() -> None:
    inside: list[Any] = []
    inside.append(inside)
    read = through(inside)
    assert read[0] is read


def test_no_depth_is_too_deep() -> None:
    root: list[Any] = []
    inner = root
    for _ in range(50_000):
        inner.append([])
        inner = inner[0]
    read = through(root)
    depth = 0
    while read:
        read = read[0]
        depth += 1
    assert depth == 50_000


def test_an_instance_is_made_without_its_constructor() -> None:
    singer = Singer("ada")
    before = Singer.made
    assert through(singer).name == "ada"
    assert Singer.made == before


def test_what_is_left_out_is_not_written_and_what_is_made_anew_is_there() -> None:
    singer = Singer("ada")
    singer.mood = threading.local()  # which nothing could write
    vars(singer)["voice"] = object()
    read = through(singer)
    assert not hasattr(read, "mood")
    assert read.voice == "found again"


def test_an_instance_of_a_subclass_is_read_as_what_is_kept() -> None:
    assert type(through(Soloist("ada"))) is Singer


def test_a_kept_subclass_of_dict_is_written_as_it_is() -> None:
    songs = Songs(hymn=[1, 2])
    vars(songs)["book"] = "first"
    read = through(songs)
    assert type(read) is Songs
    assert dict(read.items()) == {"hymn": [1, 2]}
    assert read.book == "first"


def test_special_containers_come_back_as_what_they_were() -> None:
    grouped: defaultdict[str, list[int]] = defaultdict(list, a=[1])
    ordered = OrderedDict([("b", 1), ("a", 2)])
    read_grouped, read_ordered = through((grouped, ordered))
    assert read_grouped["new"] == []
    assert type(read_ordered) is OrderedDict
    read_ordered.move_to_end("b")
    assert list(read_ordered) == ["a", "b"]


def test_times_keep_their_zone() -> None:
    east = datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    naive = datetime(2026, 11, 20, 10, 0)
    read_east, read_naive, day = through([east, naive, date(2010, 9, 9)])
    assert (read_east, read_east.utcoffset()) == (east, timedelta(hours=9))
    assert (read_naive, read_naive.tzinfo) == (naive, None)
    assert (type(day), day) == (date, date(2010, 9, 9))


def test_patterns_locks_and_odd_numbers_come_back() -> None:
    identity = uuid.uuid4()
    root = [
        re.compile("a.b", re.IGNORECASE),
        re.compile(rb"\xff"),
        threading.Lock(),
        threading.RLock(),
        float("inf"),
        Decimal("1E+30"),
        identity,
    ]
    text, raw, lock, reentrant, infinite, number, same = through(root)
    assert text.fullmatch("A-B")
    assert raw.fullmatch(b"\xff")
    with lock, reentrant, reentrant:
        pass
    assert (infinite, str(number), same) == (float("inf"), "1E+30", identity)


def test_private_keys_sign_as_before() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    curve_key = ec.generate_private_key(ec.SECP521R1())
    read_rsa, read_curve = through([rsa_key, curve_key])
    signature = rsa_key.sign(b"song", PKCS1v15(), SHA256())
    read_rsa.public_key().verify(signature, b"song", PKCS1v15(), SHA256())
    assert read_curve.private_numbers() == curve_key.private_numbers()


def test_what_both_sides_know_is_told_by_name() -> None:
    policy = Conductor()
    written = CODEC.dump({"policies": [policy]}, {id(policy): "the policy"})
    other = Conductor()
    assert CODEC.load(written, {"the policy": other}.__getitem__)["policies"] == [other]
    with pytest.raises(GraphError, match="the policy"):
        CODEC.load(written)


def test_a_strange_object_is_refused_with_the_way_to_it() -> None:
    singer = Singer("ada")
    singer.friends = [Singer("bea")]
    vars(singer.friends[0])["leader"] = {"first": Conductor()}
    with pytest.raises(GraphError, match=r"root\.friends\.0\.leader\.first is a .*:Conductor"):
        CODEC.dump(singer)


@pytest.mark.parametrize(
    ("strange", "told"),
    [
        ([len], "builtin_function_or_method"),
        ([defaultdict(lambda: 1)], "defaultdict of"),
        ([Slotted()], "Slotted"),
        ({Singer("ada"): 1}, "keys must be plain values"),
        ([Other.ONE], "Other"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(strange: Any, told: str) -> None:
    with pytest.raises(GraphError, match=told):
        CODEC.dump(strange)


@pytest.mark.parametrize(
    "node",
    [
        ["object", "os:_Environ", {}],
        ["object", "builtins:type", {}],
        ["object", f"{__name__}:Conductor", {}],
        ["default", "eval", []],
        ["reduce", "os:system", ["true"]],
        ["list", [["enum", "http:HTTPStatus", "OK"]]],
        ["list", [["call", "os.system"]]],
        ["list", [["node", 7]]],
        ["list", [["datetime", "yesterday"]]],
        ["pkcs8", "AAAA"],
    ],
)
def test_nothing_is_made_but_what_is_kept(node: list[Any]) -> None:
    document = {"nodes": [node], "root": ["node", 0]}
    with pytest.raises(GraphError):
        CODEC.load(json.dumps(document).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"nodes":[3],"root":1}', b"\xff"])
def test_what_is_no_graph_is_an_error_of_its_own(text: bytes) -> None:
    with pytest.raises(GraphError):
        CODEC.load(text)
