"""What goes into the library's operations and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.errors import FieldError, ValidationException
from service.resources import Audio, Composition, InputSource, ModelType, Revision


def melody_given(**melodies: object) -> str:
    """The name of the one melody that is not None. Raises ValidationException when none is given, or several."""
    given = [name for name, melody in melodies.items() if melody is not None]
    if len(given) != 1:
        rule = f"is one of {', '.join(melodies)}, of which exactly one must be given"
        raise ValidationException.of(*(FieldError(name, rule) for name in given or melodies))
    return given[0]


@dataclass(frozen=True)
class NewComposition:
    """A request to compose. Exactly one of `input_midi`, `sample_melody_id` and `parent_composition_id` is given.

    `parameters` are the inference hyperparameters as given; `locked` are (start tick, pitch) pairs of input notes.
    """

    name: str
    model_id: str
    model_type: ModelType
    input_source: InputSource
    input_midi: bytes | None = None
    sample_melody_id: str | None = None
    parent_composition_id: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    locked: tuple[tuple[int, int], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    client_request_token: str | None = None


@dataclass(frozen=True)
class Downloads:
    """Presigned links to a composition's MIDI, all valid until `expires_at`."""

    input_midi_url: str
    output_midi_url: str | None
    expires_at: datetime


@dataclass(frozen=True)
class AudioView:
    """A rendering, with a presigned link once it is COMPLETED."""

    audio: Audio
    url: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class CompositionView:
    """A composition with one of its revisions, and what can be downloaded of it."""

    composition: Composition
    revision: Revision | None
    audios: tuple[AudioView, ...] = ()
    downloads: Downloads | None = None
    output_midi: bytes | None = None


@dataclass(frozen=True)
class SweepReport:
    """What a sweep found and did."""

    objects_removed: int = 0  # announced, but never committed
    deletions_finished: int = 0
    creations_undone: int = 0  # compositions whose input never arrived
    restarted: int = 0  # compositions and renderings asked for again
    failed: int = 0  # given up
