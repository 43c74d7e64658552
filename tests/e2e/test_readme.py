"""README's sessions are run as they stand, against a real server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
RUN = re.compile(r"<!-- run with the environment of `chorale env` -->\n```(\w+)\n(.*?)```", re.DOTALL)
BLOCKS = RUN.findall(README.read_text())


def test_readme_has_sessions_to_run() -> None:
    assert [language for language, _ in BLOCKS] == ["python", "sh", "sh"]


@pytest.mark.parametrize(("language", "code"), BLOCKS, ids=[f"{i}-{block[0]}" for i, block in enumerate(BLOCKS)])
def test_a_session_runs_as_it_stands(language: str, code: str, running_server, tmp_path: Path) -> None:
    command = [sys.executable, "-c", code] if language == "python" else ["sh", "-euc", code]
    done = subprocess.run(
        command, env=running_server.environment, cwd=tmp_path, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if language == "python":
        assert "{'key': 'mood', 'value': 'joyful'}" in done.stdout
        assert (tmp_path / "ode-to-joy.mid").read_bytes().startswith(b"MThd")
        assert (tmp_path / "ode-to-joy.mp3").stat().st_size > 50_000
