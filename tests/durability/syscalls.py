"""PURE. From a trace of a server's system calls: was everything on the disk before the answer left?

The trace is strace's (`-f -yy`, data strings long enough for the head of a request). strace writes a call that another
thread's call interrupts on two lines; a call therefore has a beginning and an end, and only what had ended before
something else began counts as done before it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TRACED = (
    "fsync,fdatasync,rename,renameat,renameat2,openat,"  # onto the disk
    "write,pwrite64,writev,pwritev,sendto,sendmsg,read,recvfrom,recvmsg"  # into files, and from and to the client
)

_LINE = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
_UNFINISHED = " <unfinished ...>"
_NAME = re.compile(r"(?P<name>\w+)\(")
_RESULT = re.compile(r"\) += (?P<result>-?\d+)")
_DESCRIPTOR = re.compile(r"\w+\(\d+<(?P<target>.*?)>[,)]")
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"')
_REQUEST = re.compile(r'(?P<head>(?:GET|HEAD|PUT|POST|DELETE) /.* HTTP/1\.1(?:[^"\\]|\\.)*)')
_ANSWER = re.compile(r"HTTP/1\.1 (?P<status>[2-5]\d\d) ")  # 100 is no answer yet

_SYNCS = frozenset({"fsync", "fdatasync"})
_WRITES = frozenset({"write", "pwrite64", "writev", "pwritev"})
_SENDS = frozenset({"write", "writev", "sendto", "sendmsg"})
_RECEIVES = frozenset({"read", "recvfrom", "recvmsg"})
_RENAMES = frozenset({"rename", "renameat", "renameat2"})


@dataclass(frozen=True)
class Call:
    """One system call that succeeded. `began` and `ended` are line numbers; `target` is the descriptor's file."""

    name: str
    text: str
    began: int
    ended: int

    @property
    def target(self) -> str:
        found = _DESCRIPTOR.match(self.text)
        return found["target"] if found else ""

    @property
    def strings(self) -> list[str]:
        return _STRINGS.findall(self.text)


@dataclass(frozen=True)
class Exchange:
    """A request and the first byte of its answer, by line numbers. `head` is the request's, as strace quotes it."""

    head: str
    received: int
    answered: int
    status: int
    calls: Sequence[Call] = field(repr=False)  # those in between


def read_calls(lines: Iterable[str]) -> list[Call]:
    """The successful calls of a trace, in the order in which they began."""
    calls = []
    unfinished: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        matched = _LINE.match(line)
        if matched is None:
            continue
        thread, text, began = matched["thread"], matched["rest"], number
        if (resumed := _RESUMED.match(text)) is not None and thread in unfinished:
            began, start = unfinished.pop(thread)
            text = start + resumed["rest"]
        if text.endswith(_UNFINISHED):
            unfinished[thread] = (began, text.removesuffix(_UNFINISHED))
            continue
        name = _NAME.match(text)
        results = _RESULT.findall(text)
        if name is not None and results and int(results[-1]) >= 0:
            calls.append(Call(name["name"], text, began, number))
    return sorted(calls, key=lambda call: call.began)


def exchanges(calls: Sequence[Call]) -> list[Exchange]:
    """The requests on all sockets that were answered, in the order of their answers."""
    waiting: dict[str, tuple[str, Call]] = {}
    found = []
    for call in calls:
        socket = call.target
        if not socket.startswith("TCP"):
            continue
        data = "".join(call.strings)
        if call.name in _RECEIVES and (request := _REQUEST.match(data)) is not None:
            waiting[socket] = (request["head"], call)
        elif call.name in _SENDS and (answer := _ANSWER.match(data)) is not None and socket in waiting:
            head, asked = waiting.pop(socket)
            between = [other for other in calls if asked.ended < other.began < call.began]
            found.append(Exchange(head, asked.ended, call.began, int(answer["status"]), between))
    return found


def problems(exchange: Exchange, data: Path) -> list[str]:
    """Why the write that this exchange acknowledges might not survive a power cut; nothing when it does."""
    log = str(data / "state.db-wal")
    written = [call for call in exchange.calls if call.name in _WRITES and call.target == log]
    if not written:
        return ["nothing was written to the write-ahead log before the answer"]
    told = []
    if not _synced(exchange.calls, log, after=written[-1].ended, before=exchange.answered):
        told.append("the write-ahead log was not synced between its last write and the answer")
    for rename in renamed_bodies(exchange, data):
        told += _problems_of_body(exchange, rename, data, row_written=written[-1].began)
    return told


def renamed_bodies(exchange: Exchange, data: Path) -> list[Call]:
    """The calls that gave the file of a large body its name."""
    folder = str(data / "bodies")
    renames = [call for call in exchange.calls if call.name in _RENAMES]
    return [call for call in renames if _folder_of(call.strings[-1]) == folder]


def created_names(calls: Sequence[Call], answered: int, data: Path) -> dict[str, int]:
    """The files that appeared in a new data folder before the answer on that line, each with the line of its making."""
    created: dict[str, int] = {}
    for call in calls:
        is_new = call.name in _RENAMES or (call.name == "openat" and "O_CREAT" in call.text)
        if is_new and call.ended < answered and _folder_of(call.strings[-1]) == str(data):
            created.setdefault(Path(call.strings[-1]).name, call.ended)
    return created


def is_name_synced(calls: Sequence[Call], made: int, answered: int, data: Path) -> bool:
    """Whether the name of a file made on that line was on the disk before the answer."""
    return _synced(calls, str(data), after=made, before=answered)


def _problems_of_body(exchange: Exchange, rename: Call, data: Path, row_written: int) -> list[str]:
    scratch, body = rename.strings[0], Path(rename.strings[-1]).name
    told = []
    contents = [call for call in exchange.calls if call.name in _WRITES and call.target == scratch]
    last = contents[-1].ended if contents else exchange.received
    if not _synced(exchange.calls, scratch, after=last, before=rename.began):
        told.append(f"the body {body} got its name before its content was synced")
    if not _synced(exchange.calls, str(data / "bodies"), after=rename.ended, before=exchange.answered):
        told.append(f"the name of the body {body} was not synced before the answer")
    elif not _synced(exchange.calls, str(data / "bodies"), after=rename.ended, before=row_written):
        told.append(f"the row of the body {body} was written before the body's name was synced")
    return told


def _synced(calls: Sequence[Call], path: str, after: int, before: int) -> bool:
    return any(
        call.name in _SYNCS and call.target == path and call.began > after and call.ended < before for call in calls
    )


def _folder_of(path: str) -> str:
    return str(Path(path).parent)
