"""The `chorale` commands, run as a person runs them: a process, its output and its exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cloud_servers import start_server, stop_server

from service.cli.client import connect
from service.music.midi import read_midi
from service.music.soundfonts import find_sound_font


@pytest.fixture
def chorale(running_server, tmp_path):
    def run(*arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in running_server.environment.items() if not k.startswith("AWS_")}
        done = subprocess.run(
            ["chorale", *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_melody_becomes_a_composition_that_can_be_listed_rendered_and_deleted(chorale, tmp_path: Path) -> None:
    made = json.loads(
        chorale("compose", "ode-to-joy", "--seed", "5", "--tag", "class=101", "-o", "joy.mid", "--json").stdout
    )
    assert made["status"] == "COMPLETED"
    score = read_midi((tmp_path / "joy.mid").read_bytes())
    assert score.note_count > 30

    listed = json.loads(chorale("compositions", "list", "--json").stdout)
    assert made["compositionId"] in [row["compositionId"] for row in listed]
    assert chorale("tags", "list", made["compositionId"]).stdout.split() == ["KEY", "VALUE", "class", "101"]
    chorale("tags", "set", made["compositionId"], "mood=joyful", "class=102")
    chorale("tags", "rm", made["compositionId"], "mood")
    assert json.loads(chorale("tags", "list", made["compositionArn"], "--json").stdout) == [
        {"key": "class", "value": "102"}
    ]

    chorale("render", made["compositionId"], "-o", "joy.mp3")
    assert (tmp_path / "joy.mp3").stat().st_size > 50_000
    assert "changes" in chorale("compositions", "get", made["compositionId"], "-o", "again.mid").stdout
    assert (tmp_path / "again.mid").read_bytes() == (tmp_path / "joy.mid").read_bytes()

    again = json.loads(chorale("compose", made["compositionId"], "--sampling-iterations", "3", "--json").stdout)
    assert again["parentCompositionId"] == made["compositionId"]
    chorale("compositions", "rm", made["compositionId"], again["compositionId"])
    gone = chorale("compositions", "get", made["compositionId"], ok=False)
    assert "ResourceNotFoundException" in gone.stderr


def test_the_users_own_aws_settings_do_not_matter(running_server, tmp_path: Path) -> None:
    environment = {k: v for k, v in running_server.environment.items() if not k.startswith("AWS_")}
    environment |= {"AWS_PROFILE": "missing", "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_REGION": "eu-west-9"}
    done = subprocess.run(
        ["chorale", "compositions", "list"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_show_tells_a_files_figures_and_draws_it(chorale, tmp_path: Path) -> None:
    chorale("compose", "twinkle-twinkle", "--seed", "1", "-o", "star.mid")
    facts = json.loads(chorale("show", "star.mid", "--picture", "star.png", "--json").stdout)
    assert facts["notes"] > 30
    assert 0 <= facts["metrics"]["in_scale_ratio"] <= 1
    assert (tmp_path / "star.png").read_bytes().startswith(b"\x89PNG")
    assert "in scale ratio" in chorale("show", "star.mid").stdout


def test_a_file_is_rendered_without_the_service(chorale, tmp_path: Path) -> None:
    chorale("compose", "mary-had-a-little-lamb", "-o", "mary.mid")
    chorale("render", "mary.mid", "-o", "mary.wav", "--data", str(tmp_path / "nowhere"))
    assert (tmp_path / "mary.wav").read_bytes().startswith(b"RIFF")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compose", "no-such-melody"], "none of the sample melodies"),
        (["compose", "ode-to-joy", "--temperature", "99"], "temperature"),
        (["compose", "ode-to-joy", "--seed", "-1"], "seed"),
        (["compose", "ode-to-joy", "--tag", "novalue"], "KEY=VALUE"),
        (["compose", "ode-to-joy", "--model", "genre-joco-1"], "ResourceNotFoundException"),
        (["compositions", "get", "../../etc/passwd"], "ValidationException"),
        (["render", "x", "-o", "x.ogg"], ".mp3 or .wav"),
        (["compose", "ode-to-joy", "-o", "no/such/folder.mid"], "there is no folder"),
        (["tags", "list", "arn:aws:s3:::bucket"], "ValidationException"),
        (["compositions", "list", "--data", "/nonexistent"], "chorale serve"),
    ],
)
def test_an_error_is_one_sentence(chorale, arguments: list[str], sentence: str) -> None:
    failed = chorale(*arguments, ok=False)
    assert sentence in failed.stderr
    assert failed.stdout == ""


@pytest.mark.parametrize(("shell", "form"), [("sh", "export AWS_ENDPOINT_URL="), ("fish", "set -gx AWS_ENDPOINT_URL ")])
def test_env_prints_the_exports_of_each_shell(chorale, shell: str, form: str) -> None:
    assert form in chorale("env", "--shell", shell).stdout


def test_the_installed_model_serves_a_client_without_aws_data_path(chorale, running_server, tmp_path: Path) -> None:
    chorale("sdk", "install", "--target", str(tmp_path / ".aws" / "models"))
    environment = {k: v for k, v in running_server.environment.items() if k != "AWS_DATA_PATH"} | {
        "HOME": str(tmp_path)
    }
    done = subprocess.run(
        ["aws", "deepcomposer", "list-sample-models"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "ar-cnn-bach" in done.stdout


def test_serve_refuses_what_it_cannot_use(chorale, tmp_path: Path) -> None:
    assert "missing.sf2" in chorale("serve", "--soundfont", "missing.sf2", ok=False).stderr
    assert "needs --tls" in chorale("serve", "--host", "0.0.0.0", "--port", "0", ok=False).stderr
    (tmp_path / "cert.pem").write_text("no certificate")
    failed = chorale("serve", "--tls", "cert.pem", "cert.pem", "--data", "new", "--port", "0", ok=False)
    assert "cert.pem" in failed.stderr


def test_music_is_rendered_with_the_sound_font_that_serve_was_given(tmp_path: Path) -> None:
    own = tmp_path / "Own Sounds.sf2"
    own.write_bytes(find_sound_font().path.read_bytes())
    server, _ = start_server(tmp_path / "data", "--no-prewarm", "--soundfont", str(own))
    try:
        client = connect(tmp_path / "data")
        made = client.create_composition(
            name="one pass", modelId="ar-cnn-bach", sampleMelodyId="ode-to-joy",
            inferenceHyperParameters={"samplingIterations": 0},
        )["composition"]  # fmt: skip
        client.get_waiter("composition_completed").wait(compositionId=made["compositionId"])
        audio = client.create_audio(compositionId=made["compositionId"], format="WAV")["audio"]
        assert (audio["status"], audio["soundFont"]) == ("COMPLETED", "Own Sounds")
    finally:
        assert stop_server(server) == 0


@pytest.mark.slow
def test_the_demo_makes_its_files_and_tells_every_step(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {"HOME": str(tmp_path)}
    done = subprocess.run(
        ["chorale", "demo", "--output", "out"],
        env=environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_midi((tmp_path / "out" / "ode-to-joy.mid").read_bytes()).note_count > 30
    assert (tmp_path / "out" / "ode-to-joy.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "ode-to-joy.mp3").stat().st_size > 50_000
    for step in ("compose with AR-CNN", "render to MP3", "revision 2", "mood=joyful", "0 compositions left"):
        assert step in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
