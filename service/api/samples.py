"""The operations on what comes with the service: trained models, and melodies to begin with."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from service.algorithms import ALGORITHMS, Hyperparameter
from service.api.auth import CallerDependency
from service.api.fields import DEFAULT_PAGE, MaxResults, ModelIdInPath, NextToken
from service.api.operation import Operations
from service.api.paging import PageTokens, page_of
from service.api.services import LibraryDependency
from service.api.shape import AnswerShape, Blob, QueryBoolean, QueryShape, Timestamp
from service.errors import ResourceNotFoundException
from service.samples import SampleMelody, SampleModel, melody_midi, sample_melodies, sample_model, sample_models

operations = Operations("Samples")


class SampleModelSummary(AnswerShape):
    """A trained model that comes with the service."""

    model_id: str
    name: str
    algorithm: str
    data_set: str = Field(description="What it was trained on.")
    description: str


class ModelFigure(AnswerShape):
    """One measured figure of a model."""

    name: str
    value: float


class HyperParameterType(StrEnum):
    INTEGER = "INTEGER"
    NUMBER = "NUMBER"


class HyperParameterDescription(AnswerShape):
    """A parameter that CreateComposition takes for a model."""

    name: str
    type: HyperParameterType
    minimum: float
    maximum: float
    default: float | None = Field(default=None, description="Its value when not given; a seed is then drawn by chance.")
    description: str


class SampleModelDescription(SampleModelSummary):
    """A trained model that comes with the service, with how it was trained and how well it does."""

    created_at: Timestamp
    license: str
    weights_bytes: int = Field(description="The size of its weights.")
    figures: list[ModelFigure] = Field(description="How well it does; its model card says how that was measured.")
    inference_hyper_parameters: list[HyperParameterDescription] = Field(
        description="What CreateComposition takes as inferenceHyperParameters for this model."
    )


class SampleMelodyDescription(AnswerShape):
    """A melody that comes with the service, in the public domain."""

    sample_melody_id: str
    name: str
    composer: str
    license: str
    recommended_for: list[str] = Field(description="The techniques it suits best.")
    key: str
    bars: int
    tempo: float = Field(description="Quarter notes a minute.")
    duration_seconds: float
    midi: Blob | None = Field(default=None, description="The melody as a standard MIDI file, when asked for.")


class SamplesQuery(QueryShape):
    max_results: MaxResults = DEFAULT_PAGE
    next_token: NextToken | None = None


class SampleMelodiesQuery(SamplesQuery):
    include_midi: QueryBoolean = Field(
        default=False, description="Whether the answer holds the melodies as MIDI files."
    )


class ListSampleModelsResponse(AnswerShape):
    models: list[SampleModelSummary]
    next_token: NextToken | None = None


class GetSampleModelResponse(AnswerShape):
    model: SampleModelDescription


class ListSampleMelodiesResponse(AnswerShape):
    melodies: list[SampleMelodyDescription]
    next_token: NextToken | None = None


@operations.get("/sample-models", resource="model/*")
def list_sample_models(
    library: LibraryDependency, caller: CallerDependency, query: Annotated[SamplesQuery, Query()]
) -> ListSampleModelsResponse:
    """The trained models that come with the service."""
    tokens = PageTokens(library.token_secret(), "ListSampleModels", caller.account)
    page, last_id = page_of(
        sample_models(), lambda model: model.id, query.max_results, after=tokens.read(query.next_token)
    )
    return ListSampleModelsResponse(
        models=[SampleModelSummary(**_model_summary(model)) for model in page], next_token=tokens.issue(last_id)
    )


@operations.get("/sample-models/{modelId:label}", resource="model/{modelId}", errors=(ResourceNotFoundException,))
def get_sample_model(caller: CallerDependency, model_id: ModelIdInPath) -> GetSampleModelResponse:
    """A trained model that comes with the service."""
    try:
        model = sample_model(model_id)
    except KeyError:
        raise ResourceNotFoundException(
            f"No sample model {model_id}.", resource_id=model_id, resource_type="model"
        ) from None
    return GetSampleModelResponse(
        model=SampleModelDescription(
            **_model_summary(model),
            created_at=_start_of(model.created),
            license=model.license,
            weights_bytes=model.weights_bytes,
            figures=[ModelFigure(name=name, value=value) for name, value in _figures(model.figures)],
            inference_hyper_parameters=[_parameter_description(row) for row in ALGORITHMS[model.algorithm].inference],
        )
    )


@operations.get("/sample-melodies", resource="*")
def list_sample_melodies(
    library: LibraryDependency, caller: CallerDependency, query: Annotated[SampleMelodiesQuery, Query()]
) -> ListSampleMelodiesResponse:
    """The melodies that come with the service, each ready to compose from."""
    tokens = PageTokens(library.token_secret(), "ListSampleMelodies", caller.account)
    page, last_id = page_of(
        sample_melodies(), lambda melody: melody.id, query.max_results, after=tokens.read(query.next_token)
    )
    return ListSampleMelodiesResponse(
        melodies=[_melody_description(melody, query.include_midi) for melody in page], next_token=tokens.issue(last_id)
    )


def _start_of(day: str) -> datetime:
    """The moment a day begins, in UTC."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def _model_summary(model: SampleModel) -> dict[str, str]:
    return {
        "model_id": model.id,
        "name": model.name,
        "algorithm": model.algorithm,
        "data_set": model.data_set,
        "description": model.description,
    }


def _figures(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers in nested groups of figures, each with its path as its name."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


def _parameter_description(row: Hyperparameter) -> HyperParameterDescription:
    return HyperParameterDescription(
        name=row.name,
        type=HyperParameterType.INTEGER if row.integer else HyperParameterType.NUMBER,
        minimum=row.minimum,
        maximum=row.maximum,
        default=row.default,
        description=row.meaning,
    )


def _melody_description(melody: SampleMelody, with_midi: bool) -> SampleMelodyDescription:
    return SampleMelodyDescription(
        sample_melody_id=melody.id,
        name=melody.name,
        composer=melody.composer,
        license=melody.license,
        recommended_for=list(melody.recommended_for),
        key=melody.key,
        bars=melody.bars,
        tempo=melody.tempo,
        duration_seconds=melody.seconds,
        midi=melody_midi(melody.id) if with_midi else None,
    )
