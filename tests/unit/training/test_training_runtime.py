"""The SageMaker training contract: inputs, exit codes, the failure file, stopping, metric lines."""

import re
import signal
import textwrap
from pathlib import Path
from typing import Any

import pytest

from service.algorithms import Hyperparameter
from training_images.runtime import AlgorithmError, Environment, Job, metric_line
from training_images.runtime.metrics import regex_of

ROWS = (
    Hyperparameter("steps", integer=True, minimum=1, maximum=100, default=10, meaning=""),
    Hyperparameter("learningRate", integer=False, minimum=0, maximum=1, default=0.1, meaning=""),
)


def script(path: Path, body: str) -> str:
    """A training script whose `train(job)` has this body."""
    head = "import sys, time, pathlib\nfrom training_images.runtime import *\nfrom service.algorithms import *\n"
    path.write_text(f"{head}def train(job):\n{textwrap.indent(textwrap.dedent(body), '    ')}\nsys.exit(run(train))\n")
    return str(path)


def test_a_script_that_ends_exits_with_zero_and_no_failure(container: Any, tmp_path: Path) -> None:
    body = """
        job.model_directory.mkdir(parents=True)
        (job.model_directory / "weights").write_text("1")
        job.metrics(step=1, train__nll=0.5)
    """
    code, output = container.run(script(tmp_path / "train.py", body))
    assert code == 0
    assert "step=1; train:nll=0.5;" in output
    assert (container.model / "weights").exists()
    assert container.failure is None


def test_an_error_writes_its_cause_to_the_failure_file(container: Any, tmp_path: Path) -> None:
    code, output = container.run(script(tmp_path / "train.py", "raise RuntimeError('no more chords')"))
    assert code == 1
    assert container.failure.startswith("AlgorithmError: RuntimeError: no more chords")
    assert "no more chords" in output


def test_a_cause_for_the_caller_comes_without_a_traceback(container: Any, tmp_path: Path) -> None:
    code, _ = container.run(script(tmp_path / "train.py", "raise AlgorithmError('The channel is empty.')"))
    assert code == 1
    assert container.failure == "AlgorithmError: The channel is empty."


def test_the_failure_file_has_at_most_1024_characters(container: Any, tmp_path: Path) -> None:
    container.run(script(tmp_path / "train.py", "raise AlgorithmError('x' * 5000)"))
    assert len(container.failure) == 1024


def test_an_earlier_cause_is_never_overwritten(container: Any, tmp_path: Path) -> None:
    (container.root / "output").mkdir()
    (container.root / "output" / "failure").write_text("AlgorithmError: the first cause")
    code, _ = container.run(script(tmp_path / "train.py", "raise AlgorithmError('The second.')"))
    assert code == 1
    assert container.failure == "AlgorithmError: the first cause"


def test_a_request_to_stop_is_seen_at_the_next_step_and_ends_well(container: Any, tmp_path: Path) -> None:
    body = """
        print("ready", flush=True)
        try:
            while True:
                job.check_stop()
                time.sleep(0.01)
        except Stopped:
            job.model_directory.mkdir(parents=True)
            (job.model_directory / "weights").write_text("so far")
            raise
    """
    process = container.start(script(tmp_path / "train.py", body))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Stopped on request." in output
    assert (container.model / "weights").read_text() == "so far"
    assert container.failure is None


def test_a_damaged_document_is_a_failure_that_names_it(container: Any, tmp_path: Path) -> None:
    (container.root / "input" / "config" / "hyperparameters.json").write_text("{not json")
    code, _ = container.run(script(tmp_path / "train.py", "job.hyperparameters([])"))
    assert code == 1
    assert "hyperparameters.json is not JSON" in container.failure


def job(container: Any, **hyperparameters: str) -> Job:
    container.configure("hyperparameters", hyperparameters)
    return Job(Environment.of({"CHORALE_ML_ROOT": str(container.root)}))


def test_hyperparameters_come_as_text_and_have_defaults(container: Any) -> None:
    assert job(container, steps="20").hyperparameters(ROWS) == {"steps": 20, "learningRate": 0.1}


def test_the_sdk_s_own_hyperparameters_are_left_alone(container: Any) -> None:
    given = job(container, sagemaker_program="train.py", learningRate="0.5")
    assert given.hyperparameters(ROWS) == {"steps": 10, "learningRate": 0.5}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("steps", "many", "must be a number, not 'many'"),
        ("steps", "1.5", "must be a whole number"),
        ("steps", "0", "must be between 1 and 100"),
        ("learningRate", "nan", "must be a finite number"),
        ("epochs", "1", "There is no hyperparameter epochs; there are steps, learningRate"),
    ],
)
def test_a_wrong_hyperparameter_is_named_with_its_rule(container: Any, name: str, text: str, problem: str) -> None:
    with pytest.raises(AlgorithmError, match=re.escape(problem)):
        job(container, **{name: text}).hyperparameters(ROWS)


def test_channels_are_folders_by_name(container: Any) -> None:
    assert job(container).channel("train") == container.channel


def test_a_missing_channel_is_named(container: Any) -> None:
    with pytest.raises(AlgorithmError, match="no input channel named validation"):
        job(container).channel("validation")


def test_variables_move_single_places(tmp_path: Path) -> None:
    variables = {"SM_MODEL_DIR": "/m", "SM_CHANNEL_TRAIN": "/t", "SM_OUTPUT_DATA_DIR": "/o"}
    environment = Environment.of({"CHORALE_ML_ROOT": str(tmp_path), **variables})
    assert environment.model_directory == Path("/m")
    assert environment.channels == {"train": Path("/t")}
    assert environment.output_data_directory == Path("/o")
    assert environment.failure_file == tmp_path / "output" / "failure"


def test_the_platform_s_layout_is_the_default() -> None:
    environment = Environment.of({})
    assert environment.model_directory == Path("/opt/ml/model")
    assert environment.failure_file == Path("/opt/ml/output/failure")
    assert environment.checkpoint_directory == Path("/opt/ml/checkpoints")


def test_metric_lines_are_found_by_their_documented_expression() -> None:
    line = metric_line(step=1200, train__nll=0.53125, learning__rate=1.5e-05)
    assert line == "step=1200; train:nll=0.53125; learning:rate=1.5e-05;"
    for name, value in (("step", 1200), ("train:nll", 0.53125), ("learning:rate", 1.5e-05)):
        match = re.search(regex_of(name), line)
        assert match is not None
        assert float(match[1]) == value
    assert re.search(regex_of("nll"), line) is None
