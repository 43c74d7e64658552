"""The AWS CLI, unpatched: it knows the service by the environment that `chorale env` prints."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service.samples import melody_midi


@pytest.fixture
def aws(running_server: Any) -> Any:
    """Runs `aws deepcomposer …` and answers its JSON; `fails_with` expects an error of that name instead."""

    def run(*arguments: str, fails_with: str | None = None) -> Any:
        done = subprocess.run(
            ["aws", "deepcomposer", *arguments],
            env=running_server.environment | {"AWS_PAGER": ""},
            capture_output=True,
            text=True,
            timeout=120,
        )
        if fails_with is not None:
            assert done.returncode != 0
            assert fails_with in done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "{}")

    return run


def test_a_composition_from_a_file_to_its_deletion(aws: Any, tmp_path: Path) -> None:
    melody = tmp_path / "melody.mid"
    melody.write_bytes(melody_midi("ode-to-joy"))
    created = aws(
        "create-composition",
        *("--name", "From a shell", "--model-id", "ar-cnn-bach", "--input-midi", f"fileb://{melody}"),
        *("--inference-hyper-parameters", "samplingIterations=5,temperature=1.5,seed=1"),
        *("--tags", "key=project,value=thesis"),
    )["composition"]
    composition_id = created["compositionId"]
    assert created["inferenceHyperParameters"]["temperature"] == 1.5
    aws("wait", "composition-completed", "--composition-id", composition_id)
    got = aws("get-composition", "--composition-id", composition_id, "--no-include-output-midi")["composition"]
    assert got["status"] == "COMPLETED"
    assert "outputMidi" not in got
    tags = aws("list-tags-for-resource", "--resource-arn", created["compositionArn"])["tags"]
    assert tags == [{"key": "project", "value": "thesis"}]
    aws("delete-composition", "--composition-id", composition_id)
    aws("get-composition", "--composition-id", composition_id, fails_with="ResourceNotFoundException")


def test_lists_are_paged_by_the_cli(aws: Any) -> None:
    whole = aws("list-sample-melodies")["melodies"]
    paged = aws("list-sample-melodies", "--page-size", "2")["melodies"]
    assert len(whole) >= 8
    assert paged == whole


def test_the_cli_knows_every_member(aws: Any) -> None:
    skeleton = aws("create-composition", "--generate-cli-skeleton")
    assert set(skeleton) >= {"name", "modelId", "inputMidi", "lockedNotes", "inferenceHyperParameters", "tags"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="the CLI needs groff to show help")
def test_help_carries_the_documentation(running_server: Any) -> None:
    done = subprocess.run(
        ["aws", "deepcomposer", "create-composition", "help"],
        env=running_server.environment | {"AWS_PAGER": "cat", "PAGER": "cat"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Composes new music from a melody" in " ".join(done.stdout.split())
