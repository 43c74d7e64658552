"""What the doctor finds in a data folder, as values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Statement = tuple[str, tuple[Any, ...]]  # SQL and its parameters


class Severity(Enum):
    """How bad it is; the names are for people."""

    NOTE = "note"  # nothing has to be done
    DAMAGE = "damage"  # a repair makes the folder sound again, though what is lost stays lost
    FATAL = "fatal"  # no repair helps: a backup or a missing file does


class Action(Enum):
    """What a repair does beside changing rows."""

    FINISH_RESET = "finish the reset"
    CUT_LOG = "cut the log at the damage"
    REPLACE_DATABASE = "put a new file in its place, with every row that could be read"
    PLACE_KEY = "give the key its name"
    SET_KEY_ASIDE = "set the key aside"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    `subject` names where it is (a file, a table's item, an object, a service), `message` says what is wrong and what
    is lost, `repair` what a repair does about it: `statements` in the database, and `files` of bodies, which
    are set aside, and an `action` where that is not all.
    """

    severity: Severity
    subject: str
    message: str
    repair: str | None = None
    statements: tuple[Statement, ...] = ()
    files: tuple[str, ...] = ()
    action: Action | None = None

    def __str__(self) -> str:
        line = f"{self.severity.value}: {self.subject}: {self.message}"
        return f"{line}; repair: {self.repair}" if self.repair else line


Findings = Iterator[Finding]


def damage(
    subject: str, message: str, repair: str, statements: Sequence[Statement] = (), files: Iterable[str] = ()
) -> Finding:
    return Finding(Severity.DAMAGE, subject, message, repair, tuple(statements), tuple(files))


def damage_for(action: Action, subject: str, message: str) -> Finding:
    return Finding(Severity.DAMAGE, subject, message, action.value, action=action)


def fatal(subject: str, message: str) -> Finding:
    return Finding(Severity.FATAL, subject, message)


def note(subject: str, message: str) -> Finding:
    return Finding(Severity.NOTE, subject, message)
