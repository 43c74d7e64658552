"""AR-CNN with default parameters on Ode to Joy, model warm: through the network alone, and through the service."""

import statistics
import time

import torch

from service.algorithms import AR_CNN
from service.cli.client import connect
from service.compose import ComposeRequest, compose
from service.music.midi import read_midi
from service.samples import melody_midi, model_directory
from tests.benchmarks.result import Result
from tests.benchmarks.servers import chorale

ROUNDS = 15


def run() -> list[Result]:
    melody = read_midi(melody_midi("ode-to-joy"))

    def through_the_network(seed: int) -> None:
        compose(
            ComposeRequest(
                melody=melody,
                model_directory=model_directory("ar-cnn-bach"),
                algorithm="AR-CNN",
                parameters=AR_CNN.complete({"seed": seed}),
                locked=(),
            )
        )

    alone = _seconds(through_the_network)
    with chorale() as served:
        client = connect(served.data)

        def through_the_service(seed: int) -> None:
            made = client.create_composition(
                name="benchmark", modelId="ar-cnn-bach", modelType="SAMPLE", sampleMelodyId="ode-to-joy",
                inputMidiSource="SAMPLE", inferenceHyperParameters={"seed": seed},
            )["composition"]  # fmt: skip
            assert made["status"] == "COMPLETED", made

        served_seconds = _seconds(through_the_service)
    threads = f"{torch.get_num_threads()} threads"
    return [
        _result("AR-CNN defaults, Ode to Joy", alone, threads),
        _result("the same by CreateComposition", served_seconds),
    ]


def _seconds(work) -> list[float]:
    for seed in range(3):
        work(seed)
    taken = []
    for seed in range(ROUNDS):
        began = time.perf_counter()
        work(100 + seed)
        taken.append(time.perf_counter() - began)
    return taken


def _result(name: str, seconds: list[float], detail: str = "") -> Result:
    worst = f"max {max(seconds):.2f} s of {ROUNDS}"
    return Result(f"{name}, p50", statistics.median(seconds), "s", "at most 1, reach 0.3", f"{worst} {detail}")
