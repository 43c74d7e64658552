"""What is told of a revision's music, computed once when it is written; members in wire names."""

from collections.abc import Mapping
from typing import Any

from service.music.bars import bar_starts
from service.music.instruments import instrument_name
from service.music.metrics import guide_metrics
from service.music.score import Score

# What is told of a composer's report: by its name for it, the name in answers.
REPORTED = {
    "notesInput": "inputNotes",
    "notesRemoved": "notesRemoved",
    "notesAdded": "notesAdded",
    "iterations": "iterations",
}


def facts(score: Score, report: Mapping[str, Any] | None) -> dict[str, Any]:
    """Tempo in quarter notes a minute, length in seconds and bars, tracks, the guide's six metrics, and what the model
    did to the input (`reported`)."""
    metrics = guide_metrics(score)
    told: dict[str, Any] = {
        "tempo": round(score.tempos[0].bpm, 3),
        "durationSeconds": round(score.seconds, 3),
        "bars": len(bar_starts(score)),
        "tracks": [
            {
                "name": track.name,
                "program": track.program,
                "instrument": instrument_name(track.program, track.is_drum),
                "drum": track.is_drum,
                "noteCount": len(track.notes),
            }
            for track in score.tracks
        ],
        "metrics": _without_none(
            {
                "pitchesUsed": metrics.pitches_used,
                "pitchClassesUsed": metrics.pitch_classes_used,
                "emptyBarRate": metrics.empty_bar_rate,
                "polyphonicRate": metrics.polyphonic_rate,
                "inScaleRatio": metrics.in_scale_ratio,
                "drumInPatternRate": metrics.drum_in_pattern,
            }
        ),
    }
    if report is not None:
        told["report"] = dict(report)
    return told


def reported(report: Mapping[str, Any]) -> dict[str, Any]:
    """What answers tell of a composer's report."""
    return {told: report[name] for name, told in REPORTED.items() if name in report}


def _without_none(values: dict[str, float | None]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items() if value is not None}
