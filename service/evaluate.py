"""A model's figures, with ceiling and floor: python -m service.evaluate ar-cnn-bach [--json] [--card]

For the AR-CNN:

- the orderless negative log-likelihood in nats per cell (one voice at one 16th), on valid, test, and the test pieces
  whose tune is not in a training piece;
- the defaults at work: test sopranos in windows of eight bars are enhanced, once each, and the result is measured
  beside Bach's own windows (ceiling) and the same windows with the added notes shuffled (floor). *Raw* is what the
  network alone makes of it, *played* is with the rules of the product;
- the time that a composition takes.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from service.algorithms import AR_CNN
from service.compose import THREADS, load_model
from service.compose_ar_cnn import enhance_counted
from service.music import chorale_metrics as metrics
from service.music.chorales import STEPS_PER_BEAT, Chorale, from_score, read_chorales, to_score
from service.music.midi import read_midi
from service.music.score import Score
from service.nn.ar_cnn import ARCNN
from service.nn.ar_cnn_likelihood import orderless_nll
from service.nn.checkpoint import WEIGHTS_FILE
from service.samples import melody_midi, model_directory

CHORALES = Path(__file__).parent / "samples" / "datasets" / "bach" / "chorales.npz"
CARD_FILE = "card.json"
MASK_SEEDS = tuple(range(2000, 2008))
WINDOW_BEATS = 32  # eight bars of four
LEAST_WINDOW_BEATS = 24  # of a window at the end of a piece
WINDOWS = 64
TIMED_RUNS = 20


def evaluate_ar_cnn(directory: Path, windows: int = WINDOWS, mask_seeds: Sequence[int] = MASK_SEEDS) -> dict[str, Any]:
    """All figures of a model, by name; likelihoods in nats per cell, times in seconds."""
    model = load_model(directory)
    if not isinstance(model, ARCNN):
        raise ValueError(f"{directory} does not hold an AR-CNN")
    by_split = {split: read_chorales(CHORALES, split) for split in ("train", "valid", "test")}
    unseen = [chorale for chorale in by_split["test"] if not chorale.seen]
    return {
        "orderlessNll": {
            "unit": "nats per cell (one voice at one 16th)",
            "maskSeeds": list(mask_seeds),
            **{
                name: _rounded(vars(orderless_nll(model, pieces, mask_seeds)))
                for name, pieces in (("valid", by_split["valid"]), ("test", by_split["test"]), ("unseenTunes", unseen))
            },
        },
        "enhanceSoprano": enhancement(model, by_split["test"], by_split["train"], windows),
        "latency": latency(model, read_midi(melody_midi("ode-to-joy"))),
    }


def enhancement(
    model: ARCNN, pieces: Sequence[Chorale], sources: Sequence[Chorale], windows: int
) -> dict[str, dict[str, Any]]:
    """What the default parameters make of the sopranos of these pieces; the seed is the window's number."""
    bach = soprano_windows(pieces, windows)
    raw = [_enhanced(model, window, seed, rules=False) for seed, window in enumerate(bach)]
    played = [_enhanced(model, window, seed, rules=True) for seed, window in enumerate(bach)]
    rng = np.random.default_rng(0)
    floor = [_shuffled_below(window, rng) for window in bach]
    return {
        name: _rounded(_texture_figures(chorales, bach, sources))
        for name, chorales in (("bach", bach), ("raw", raw), ("played", played), ("shuffled", floor))
    }


def soprano_windows(pieces: Sequence[Chorale], count: int) -> list[Chorale]:
    """Windows side by side out of the pieces, evenly chosen among all, in four voices."""
    longest, shortest = WINDOW_BEATS * STEPS_PER_BEAT, LEAST_WINDOW_BEATS * STEPS_PER_BEAT
    found = [
        piece.part(start, min(start + longest, piece.steps))
        for piece in pieces
        for start in range(0, piece.steps - shortest + 1, longest)
    ]
    chosen = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    return [found[index] for index in chosen]


def _enhanced(model: ARCNN, window: Chorale, seed: int, rules: bool) -> Chorale:
    """The window's soprano with the parts that the model gives it, on the window's own grid."""
    score = to_score(window)
    soprano = score.with_tracks(score.tracks[:1])
    parameters = AR_CNN.complete({"seed": seed, "maxInputBars": 64})
    enhanced, _ = enhance_counted(model, soprano, parameters, frozenset(), rules)
    lead = int(window.position[0])
    parts = from_score(Score(enhanced.tracks[:4], meters=score.meters))
    return replace_bars(parts.part(lead, lead + window.steps), window)


def replace_bars(chorale: Chorale, like: Chorale) -> Chorale:
    """The chorale, made as long as another and with its bars; silent where it was shorter."""
    missing = like.steps - chorale.steps
    pitch = np.pad(chorale.pitch, ((0, 0), (0, missing)))
    onset = np.pad(chorale.onset, ((0, 0), (0, missing)))
    return Chorale(pitch, onset, like.position, like.bar, like.name, like.split, like.seen)


def _shuffled_below(window: Chorale, rng: np.random.Generator) -> Chorale:
    """The window with the notes of its lower three voices in random order."""
    mixed = metrics.shuffled(window, rng)
    pitch, onset = mixed.pitch.copy(), mixed.onset.copy()
    pitch[0], onset[0] = window.pitch[0], window.onset[0]
    return replace(mixed, pitch=pitch, onset=onset)


def _texture_figures(
    chorales: Sequence[Chorale], bach: Sequence[Chorale], sources: Sequence[Chorale]
) -> dict[str, Any]:
    kept = [
        np.isin(_soprano(original), _soprano(chorale)).mean() for original, chorale in zip(bach, chorales, strict=True)
    ]
    return {
        "windows": len(chorales),
        "parallelsPer100Moves": metrics.parallels(chorales),
        "chordalBeats": metrics.chordal_beats(chorales),
        "voicesSounding": metrics.voices_sounding(chorales),
        "overlap": _rounded(metrics.overlaps(chorales, bach)),
        "copyRate": metrics.copy_rate(chorales, sources),
        "melodyNotesKept": float(np.mean(kept)),
    }


def _soprano(chorale: Chorale) -> np.ndarray:
    """The soprano's notes, each as one number made of its start and its pitch."""
    starts = np.flatnonzero(chorale.onset[0] & (chorale.pitch[0] > 0))
    return starts * 128 + chorale.pitch[0, starts]


def latency(model: ARCNN, melody: Score) -> dict[str, Any]:
    """The time of a whole composition with default parameters, the model warm, in seconds."""
    seconds = []
    for seed in range(TIMED_RUNS + 1):
        started = time.perf_counter()
        enhance_counted(model, melody, AR_CNN.complete({"seed": seed}), frozenset(), rules=True)
        seconds.append(time.perf_counter() - started)
    warm = sorted(seconds[1:])
    return {
        "melody": "ode-to-joy",
        "runs": TIMED_RUNS,
        "threads": torch.get_num_threads(),
        "p50Seconds": round(warm[len(warm) // 2], 3),
        "p95Seconds": round(warm[int(len(warm) * 0.95)], 3),
    }


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m service.evaluate", description="Measures a sample model.")
    parser.add_argument("model", help="the id of a sample model, such as ar-cnn-bach, or a folder")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--card", action="store_true", help="write the figures into the model's card.json")
    parser.add_argument("--windows", type=int, default=WINDOWS, help=f"windows to enhance (default {WINDOWS})")
    given = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    directory = Path(given.model) if Path(given.model).is_dir() else model_directory(given.model)
    figures = evaluate_ar_cnn(directory, given.windows)
    print(json.dumps(figures, indent=2) if given.json else as_text(figures))
    if given.card:
        write_card(directory, figures)
    return 0


def write_card(directory: Path, figures: dict[str, Any]) -> None:
    """Puts the figures, and the size of the weights, into the card that stands beside the weights."""
    card = json.loads((directory / CARD_FILE).read_text())
    card |= {"figures": figures, "weightsBytes": (directory / WEIGHTS_FILE).stat().st_size}
    (directory / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n")


def as_text(figures: dict[str, Any], indent: str = "") -> str:
    """The figures as indented lines."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", as_text(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
