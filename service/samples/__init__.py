"""What comes with the service: the sample melodies, and the sample models with their model cards.

Both are folders of files beside this module, read when first asked for and kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_MELODIES = Path(__file__).parent / "melodies"
_MODELS = Path(__file__).parent / "models"


@dataclass(frozen=True, slots=True)
class SampleMelody:
    """A melody anyone may use. `recommended_for` names techniques; `tempo` is in bpm, `bars` of its own meter."""

    id: str
    name: str
    composer: str
    license: str
    recommended_for: tuple[str, ...]
    key: str
    meter: str
    tempo: float
    bars: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SampleModel:
    """A trained model, as its card describes it.

    `figures` are its measured figures by name, `weights_bytes` the size of its weights on disk; `created` is a date in
    the form of ISO 8601.
    """

    id: str
    name: str
    algorithm: str
    data_set: str
    description: str
    created: str
    license: str
    figures: Mapping[str, Any]
    weights_bytes: int


@cache
def sample_melodies() -> tuple[SampleMelody, ...]:
    """All sample melodies, ordered by id."""
    rows = json.loads((_MELODIES / "index.json").read_text("utf-8"))
    return tuple(_melody(row) for row in rows)


@cache
def melody_midi(melody_id: str) -> bytes:
    """The MIDI file of a sample melody. Raises KeyError when there is none of this id."""
    if melody_id not in {melody.id for melody in sample_melodies()}:
        raise KeyError(melody_id)
    return (_MELODIES / f"{melody_id}.mid").read_bytes()


@cache
def sample_models() -> tuple[SampleModel, ...]:
    """All sample models, ordered by id."""
    return tuple(_model(json.loads(path.read_text("utf-8"))) for path in sorted(_MODELS.glob("*/card.json")))


def sample_model(model_id: str) -> SampleModel:
    """The sample model of this id. Raises KeyError when there is none."""
    for model in sample_models():
        if model.id == model_id:
            return model
    raise KeyError(model_id)


def model_directory(model_id: str) -> Path:
    """The folder that holds a sample model's card, configuration and weights. Raises KeyError when there is none."""
    return _MODELS / sample_model(model_id).id


def _melody(row: dict[str, Any]) -> SampleMelody:
    return SampleMelody(
        id=row["id"],
        name=row["name"],
        composer=row["composer"],
        license=row["license"],
        recommended_for=tuple(row["recommendedFor"]),
        key=row["key"],
        meter=row["meter"],
        tempo=row["tempo"],
        bars=row["bars"],
        seconds=row["seconds"],
    )


def _model(card: dict[str, Any]) -> SampleModel:
    return SampleModel(
        id=card["modelId"],
        name=card["name"],
        algorithm=card["algorithm"],
        data_set=card["dataSet"],
        description=card["description"],
        created=card["created"],
        license=card["license"],
        figures=card["figures"],
        weights_bytes=card["weightsBytes"],
    )
