"""Compositions as the API tells of them."""

from typing import Any

from service.api import composition_shapes as shapes
from service.api.audio_answers import audio_answer
from service.api.hyperparameters import InferenceHyperParameters
from service.api.tag_lists import tags_to_list
from service.library.views import CompositionView
from service.resources import Composition, Revision


def composition_summary(composition: Composition) -> shapes.CompositionSummary:
    return shapes.CompositionSummary(**_summary(composition))


def composition_answer(view: CompositionView) -> shapes.Composition:
    composition = view.composition
    return shapes.Composition(
        **_summary(composition),
        **_music(view.revision),
        sample_melody_id=composition.sample_melody_id,
        parent_composition_id=composition.parent_id,
        inference_hyper_parameters=InferenceHyperParameters.model_construct(**composition.parameters),
        locked_notes=[shapes.LockedNote(start=start, pitch=pitch) for start, pitch in composition.locked] or None,
        tags=tags_to_list(composition.tags),
        audios=[audio_answer(audio) for audio in view.audios],
        downloads=_downloads(view),
        output_midi=view.output_midi,
    )


def _summary(composition: Composition) -> dict[str, Any]:
    return {
        "composition_id": composition.id,
        "composition_arn": composition.arn,
        "name": composition.name,
        "status": composition.status,
        "status_reason": composition.status_reason,
        "model_id": composition.model_id,
        "model_type": composition.model_type,
        "input_midi_source": composition.input_source,
        "latest_revision": composition.revision or None,
        "created_at": composition.created,
        "updated_at": composition.updated,
    }


def _music(revision: Revision | None) -> dict[str, Any]:
    """What is known of a revision's music: its facts, which are stored in wire names."""
    return {"revision": revision.number, **revision.facts} if revision else {}


def _downloads(view: CompositionView) -> shapes.CompositionDownloads | None:
    if view.downloads is None:
        return None
    return shapes.CompositionDownloads(
        input_midi_url=view.downloads.input_midi_url,
        output_midi_url=view.downloads.output_midi_url,
        expires_at=view.downloads.expires_at,
    )
