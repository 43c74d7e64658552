"""The AR-CNN technique: a melody is enhanced note by note to music in four parts.

Only the first `maxInputBars` bars of the input are used. All its pitched tracks are taken together and shared out among
soprano, alto, tenor and bass (see service.music.voicing); the network sees them on a grid of 16ths and moved by octaves
into the range of a choir. In the result every input note that was not removed has its exact own time, length, pitch and
velocity, whatever the grid made of it; added notes stand on the grid and in the octaves of the input. Notes that
found no voice, and drum tracks, pass through. Tempos and meters are the input's.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from service.music.chorales import CHOIR_AAHS, VOICE_NAMES, VOICES
from service.music.score import TICKS_PER_STEP, Note, Score, Track
from service.music.voicing import Voicing, first_bars, voice_out
from service.nn.ar_cnn_grid import WINDOW_STEPS, batch, positions, window
from service.nn.ar_cnn_sampler import Budget, GridNote, Network, Sampled, Span, sample

COMPILED_KEPT = 4  # models in a process
HOP = 64  # from one window of longer music to the next
LOWEST_PITCH, HIGHEST_PITCH = 21, 108  # added notes stay on the piano


def enhance(
    model: nn.Module, melody: Score, parameters: Mapping[str, Any], locked: frozenset[tuple[int, int]]
) -> tuple[Score, dict[str, Any]]:
    """Adds and removes notes, at most one an iteration, within the budgets.

    `parameters` are complete (see service.algorithms.AR_CNN.inference). Removed are at most ⌊percentage · notes / 100⌋
    of the pitched notes in the bars used, added at most `maxNotesAdded`. With 0 iterations these bars come back as
    they are. The same model, melody, parameters and seed give the same result on one machine.
    Raises ValueError when the bars used hold no pitched note.
    """
    return enhance_counted(model, melody, parameters, locked, rules=True)


def enhance_counted(
    model: nn.Module,
    melody: Score,
    parameters: Mapping[str, Any],
    locked: frozenset[tuple[int, int]],
    rules: bool,
) -> tuple[Score, dict[str, Any]]:
    """`enhance`; without `rules` as the network alone would have it, parallels and all."""
    used = first_bars(melody, parameters["maxInputBars"])
    notes = sorted(note for track in used.tracks if not track.is_drum for note in track.notes)
    if not notes:
        bars = parameters["maxInputBars"]
        raise ValueError(f"The first {bars} bars of the input hold no notes but drums, so there is nothing to enhance.")
    report = {"notesInput": len(notes), "notesAdded": 0, "notesRemoved": 0, "iterations": 0}
    if parameters["samplingIterations"] == 0:
        return used, report
    voicing = voice_out(notes, used.meters)
    sampled = sample(
        network=_network(model, voicing),
        notes=_grid_notes(voicing, locked),
        steps=voicing.steps,
        spans=spans_of(voicing.steps),
        budget=Budget(
            iterations=parameters["samplingIterations"],
            additions=parameters["maxNotesAdded"],
            removals=parameters["maxPercentageOfInitialNotesRemoved"] * len(notes) // 100,
        ),
        temperature=parameters["temperature"],
        rng=np.random.default_rng(parameters["seed"]),
        rules=rules,
    )
    report |= {"notesAdded": sampled.added, "notesRemoved": sampled.removed, "iterations": sampled.iterations}
    return _score(used, voicing, sampled), report


def spans_of(steps: int) -> list[Span]:
    """Overlapping windows over a grid; each 16th may change in the one in whose middle it stands."""
    last = max(-(-(steps - WINDOW_STEPS) // HOP), 0)
    margin = (WINDOW_STEPS - HOP) // 2
    return [
        Span(
            start=index * HOP,
            low=0 if index == 0 else index * HOP + margin,
            high=steps if index == last else (index + 1) * HOP + margin,
        )
        for index in range(last + 1)
    ]


def _grid_notes(voicing: Voicing, locked: frozenset[tuple[int, int]]) -> list[GridNote]:
    return [
        GridNote(
            each.voice,
            each.start,
            each.end,
            each.pitch,
            source=index,
            removable=(each.note.start, each.note.pitch) not in locked,
        )
        for index, each in enumerate(voicing.sung)
    ]


def _network(model: nn.Module, voicing: Voicing) -> Network:
    """The model as the sampler asks it."""
    position = positions(voicing.position, voicing.bar)
    fast = compiled(model)

    @torch.inference_mode()
    def log_probabilities(cells: np.ndarray, hidden: np.ndarray, span: Span) -> np.ndarray:
        view = window(cells, position, span.start, WINDOW_STEPS)
        within = slice(span.start, span.start + WINDOW_STEPS)
        unseen = np.zeros(view.cells.shape, bool)
        unseen[:, : hidden[:, within].shape[1]] = hidden[:, within]
        logits = fast(*batch([view], [unseen]))[0]  # (4, WINDOW_STEPS, CLASSES)
        wanted = logits[:, span.low - span.start : span.high - span.start]
        return wanted.double().log_softmax(dim=-1).numpy()

    return log_probabilities


@lru_cache(maxsize=COMPILED_KEPT)
def compiled(model: nn.Module) -> Callable[..., Tensor]:
    """The model for one window of WINDOW_STEPS, recorded and folded: the same numbers in six sevenths of the time.

    Needs no compiler, unlike torch.compile, which torch recommends instead.
    """
    nothing = np.zeros((VOICES, WINDOW_STEPS), np.int64)
    view = window(nothing, nothing[0], 0, WINDOW_STEPS)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        recorded = torch.jit.trace(model, batch([view], [nothing == 0]), check_trace=False)
        return cast(Callable[..., Tensor], torch.jit.freeze(recorded))


def _score(used: Score, voicing: Voicing, sampled: Sampled) -> Score:
    """The result: a track for each voice, one for notes without a voice, and the drums."""
    velocity = round(float(np.mean([each.note.velocity for each in voicing.sung] or [80])))
    lines: list[list[Note]] = [[] for _ in VOICE_NAMES]
    for note in sampled.notes:
        source = None if note.source is None else voicing.sung[note.source].note
        lines[note.voice].append(source or _added(note, voicing, velocity))
    program = next(track.program for track in used.tracks if track.notes and not track.is_drum)
    programs = (program, CHOIR_AAHS, CHOIR_AAHS, CHOIR_AAHS)
    tracks = [Track(tuple(line), of, name=name) for line, of, name in zip(lines, programs, VOICE_NAMES, strict=True)]
    if voicing.unsung:
        tracks.append(Track(voicing.unsung, program, name="Input"))
    return used.with_tracks([*tracks, *(track for track in used.tracks if track.is_drum)])


def _added(note: GridNote, voicing: Voicing, velocity: int) -> Note:
    pitch = note.pitch - voicing.shift
    while pitch < LOWEST_PITCH:
        pitch += 12
    while pitch > HIGHEST_PITCH:
        pitch -= 12
    start = (voicing.first_step + note.start) * TICKS_PER_STEP
    return Note(start, pitch, (note.end - note.start) * TICKS_PER_STEP, velocity)
