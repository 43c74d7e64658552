"""Compositions and audio as frozen values, with the ARNs, tags, ids and statuses that they have."""

import os
import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from service.errors import FieldError

ARN_PATTERN = re.compile(
    r"arn:aws:deepcomposer:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):(?P<type>model|composition|audio)/(?P<id>[A-Za-z0-9-]+)"
)
ID_PATTERN = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")

MAX_TAGS = 50
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
# besides the Unicode categories L (letters), N (numbers) and Z (separators)
_TAG_EXTRA = set("_.:/=+-")


class Status(StrEnum):
    """The life of a composition or an audio rendering. COMPLETED and FAILED are for ever."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        return self is not Status.IN_PROGRESS


class ModelType(StrEnum):
    SAMPLE = "SAMPLE"
    CUSTOM = "CUSTOM"


class InputSource(StrEnum):
    """Where the input melody came from."""

    VIRTUAL = "VIRTUAL"  # the on-screen keyboard
    PHYSICAL = "PHYSICAL"  # a MIDI keyboard
    IMPORTED = "IMPORTED"
    SAMPLE = "SAMPLE"
    COMPOSITION = "COMPOSITION"  # an earlier composition


@dataclass(frozen=True, slots=True)
class Arn:
    """The parsed ARN of one of our resources: `type` is model, composition or audio."""

    region: str
    account: str
    type: str
    id: str

    @classmethod
    def parse(cls, text: str) -> "Arn":
        """Raises ValueError when the text is not the ARN of a DeepComposer resource."""
        match = ARN_PATTERN.fullmatch(text)
        if match is None:
            raise ValueError("must be an ARN such as arn:aws:deepcomposer:us-east-1:123456789012:composition/ID")
        return cls(match["region"], match["account"], match["type"], match["id"])

    def __str__(self) -> str:
        return f"arn:aws:deepcomposer:{self.region}:{self.account}:{self.type}/{self.id}"


_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """A ULID in lower case: 26 characters that sort by time of creation, 80 of the 128 bits random."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


@dataclass(frozen=True)
class Revision:
    """One state of a composition's music. Revision 1 is what the model made; each update adds one.

    `midi_key` is the object's key in the music bucket; `facts` is what GetComposition tells of the music
    (tempo, length, tracks, metrics), computed when it was written.
    """

    number: int
    created: datetime
    midi_key: str
    facts: Mapping[str, Any]
    edits: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Composition:
    """A saved piece of music and how it came to be.

    `version` grows with every change of any kind and guards against lost updates; `revision` is the number of the
    newest music, 0 while none exists.
    """

    account: str
    region: str
    id: str
    name: str
    status: Status
    created: datetime
    updated: datetime
    model_id: str
    model_type: ModelType
    input_source: InputSource
    input_key: str
    parameters: Mapping[str, Any]
    owner: str  # the creator's ARN
    status_reason: str | None = None
    sample_melody_id: str | None = None
    parent_id: str | None = None
    locked: tuple[tuple[int, int], ...] = ()  # (start tick, pitch) of input notes that may not be touched
    tags: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0
    version: int = 1

    @property
    def arn(self) -> str:
        return str(Arn(self.region, self.account, "composition", self.id))


@dataclass(frozen=True)
class Audio:
    """A rendering of one revision of a composition to sound."""

    account: str
    region: str
    id: str
    composition_id: str
    revision: int
    format: str  # "MP3" or "WAV"
    status: Status
    created: datetime
    key: str
    status_reason: str | None = None
    sound_font: str | None = None
    seconds: float | None = None
    size: int | None = None  # bytes

    @property
    def arn(self) -> str:
        return str(Arn(self.region, self.account, "audio", self.id))


def tag_problems(tags: Mapping[str, str], prefix: str = "tags") -> list[FieldError]:
    """What the guide's rules on tags forbid in these tags, field by field (counts are the caller's to check)."""
    found = []
    for index, (key, value) in enumerate(tags.items()):
        if problem := tag_key_problem(key):
            found.append(FieldError(f"{prefix}.{index}.key", problem))
        if len(value) > MAX_TAG_VALUE:
            found.append(FieldError(f"{prefix}.{index}.value", f"must have at most {MAX_TAG_VALUE} characters"))
        elif not _tag_characters(value):
            found.append(FieldError(f"{prefix}.{index}.value", _TAG_RULE))
    return found


def tag_key_problem(key: str) -> str | None:
    """The rule that a tag key breaks, or None."""
    if not 1 <= len(key) <= MAX_TAG_KEY:
        return f"must have 1 to {MAX_TAG_KEY} characters"
    if not _tag_characters(key):
        return _TAG_RULE
    if key.lower().startswith("aws:"):
        return "must not begin with aws: in any case, which is reserved"
    return None


_TAG_RULE = "may hold letters, digits, white space and _ . : / = + - only"


def _tag_characters(text: str) -> bool:
    return all(c in _TAG_EXTRA or unicodedata.category(c)[0] in "LNZ" for c in text)
