"""A model's figures: that they can be made again, and that they tell good from bad."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from service import evaluate
from service.compose import load_model
from service.music import chorale_metrics
from service.music.chorales import Chorale, read_chorales
from service.nn.ar_cnn import ARCNN, CLASSES, HOLD, Config
from service.nn.ar_cnn_likelihood import orderless_nll
from service.samples import model_directory, sample_model

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model() -> ARCNN:
    loaded = load_model(model_directory("ar-cnn-bach"))
    assert isinstance(loaded, ARCNN)
    return loaded


@pytest.fixture(scope="module")
def pieces() -> list[Chorale]:
    return read_chorales(evaluate.CHORALES, "valid")[:12]


class Uniform(ARCNN):
    """Knows nothing."""

    def __init__(self) -> None:
        super().__init__(Config(widths=(8, 8, 8), blocks=(1, 1, 1), heads=2))

    def forward(self, cells: torch.Tensor, *told: torch.Tensor) -> torch.Tensor:
        return torch.zeros(*cells.shape, CLASSES)


def test_knowing_nothing_costs_the_logarithm_of_the_number_of_classes(pieces: list[Chorale]) -> None:
    likelihood = orderless_nll(Uniform(), pieces, [0])
    assert likelihood.nll == pytest.approx(np.log(CLASSES))
    assert likelihood.nll_of_changes == pytest.approx(np.log(CLASSES))


def test_the_shipped_model_finds_bach_likely_and_shuffled_bach_unlikely(model: ARCNN, pieces: list[Chorale]) -> None:
    rng = np.random.default_rng(0)
    mixed = [chorale_metrics.shuffled(piece, rng) for piece in pieces]
    bach, shuffled = (orderless_nll(model, those, [0]).nll for those in (pieces, mixed))
    assert bach < 0.55
    assert shuffled > 2 * bach


def test_the_same_mask_seeds_give_the_same_likelihood(model: ARCNN, pieces: list[Chorale]) -> None:
    assert orderless_nll(model, pieces[:3], [5]) == orderless_nll(model, pieces[:3], [5])
    assert orderless_nll(model, pieces[:3], [5]) != orderless_nll(model, pieces[:3], [6])


def test_the_card_s_likelihood_can_be_measured_again(model: ARCNN) -> None:
    claimed = sample_model("ar-cnn-bach").figures["orderlessNll"]["valid"]["nll"]
    measured = orderless_nll(model, read_chorales(evaluate.CHORALES, "valid"), evaluate.MASK_SEEDS[:3]).nll
    assert measured == pytest.approx(claimed, abs=0.02)  # of eight seeds


def test_the_card_s_figures_reach_what_is_asked() -> None:
    figures = sample_model("ar-cnn-bach").figures
    played = figures["enhanceSoprano"]["played"]
    assert figures["orderlessNll"]["test"]["nll"] <= 0.53
    assert played["windows"] >= 48
    assert played["parallelsPer100Moves"] <= 1.5
    assert played["chordalBeats"] >= 0.85
    assert played["voicesSounding"] >= 3.8


def test_the_card_and_the_written_card_agree() -> None:
    card = sample_model("ar-cnn-bach")
    written = (model_directory("ar-cnn-bach") / "MODEL_CARD.md").read_text()
    for split in ("valid", "test", "unseenTunes"):
        assert f"{card.figures['orderlessNll'][split]['nll']:.3f}" in written
    for kind in ("bach", "raw", "played", "shuffled"):
        figures = card.figures["enhanceSoprano"][kind]
        assert f"{figures['parallelsPer100Moves']:.2f}" in written
        assert f"{100 * figures['chordalBeats']:.1f} %" in written


def test_the_weights_are_as_large_as_the_card_says() -> None:
    card = sample_model("ar-cnn-bach")
    assert (model_directory("ar-cnn-bach") / "model.safetensors").stat().st_size == card.weights_bytes < 10_000_000


def test_windows_are_eight_bars_out_of_the_pieces(pieces: list[Chorale]) -> None:
    windows = evaluate.soprano_windows(pieces, 5)
    assert len(windows) == 5
    assert all(96 <= window.steps <= 128 for window in windows)
    assert len({(window.name, window.pitch.tobytes()) for window in windows}) == 5


def test_a_short_evaluation_tells_bach_from_the_floor(model: ARCNN, pieces: list[Chorale]) -> None:
    figures = evaluate.enhancement(model, pieces, pieces, windows=2)
    assert figures["bach"]["copyRate"] == figures["bach"]["melodyNotesKept"] == 1.0
    assert figures["played"]["melodyNotesKept"] > 0.7
    assert figures["played"]["chordalBeats"] > figures["shuffled"]["chordalBeats"]
    assert figures["shuffled"]["overlap"]["duration"] > 0.99


def test_figures_are_written_into_the_card(tmp_path: Path) -> None:
    directory = tmp_path / "ar-cnn-bach"
    shutil.copytree(model_directory("ar-cnn-bach"), directory)
    evaluate.write_card(directory, {"orderlessNll": {"test": {"nll": 9.0}}})
    card = json.loads((directory / "card.json").read_text())
    assert card["figures"]["orderlessNll"]["test"]["nll"] == 9.0
    assert card["modelId"] == "ar-cnn-bach"


def test_figures_are_told_as_text() -> None:
    assert evaluate.as_text({"a": {"b": 1.5}, "c": 2}) == "a\n  b: 1.5\nc: 2"


def test_holds_do_not_count_as_changes(pieces: list[Chorale]) -> None:
    class Holding(Uniform):
        def forward(self, cells: torch.Tensor, *told: torch.Tensor) -> torch.Tensor:
            logits = super().forward(cells, *told)
            logits[..., HOLD] = 5.0
            return logits

    likelihood = orderless_nll(Holding(), pieces, [0])
    assert likelihood.nll < likelihood.nll_of_changes
