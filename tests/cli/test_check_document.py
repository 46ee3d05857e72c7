"""The how-to's pytest example and its settings do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from symbreak.cli import config

TEXT = (Path(__file__).parent.parent.parent / "docs" / "check.md").read_text()
(EXAMPLE,) = [code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "def test_" in code]


def pytest_says(code: str, folder: Path) -> tuple[int, str]:
    (folder / "test_model.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_model.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_the_pytest_example_passes(tmp_path):
    code, out = pytest_says(EXAMPLE, tmp_path)
    assert (code, "1 passed" in out) == (0, True), out


def test_the_pytest_example_fails_with_the_report_where_the_model_is_tied(tmp_path):
    tied = EXAMPLE.replace("build_model, x", "lambda: build_model().apply(zero), x")
    tied += "\n\ndef zero(module):\n    if isinstance(module, nn.Linear):\n        nn.init.zeros_(module.weight)\n"
    code, out = pytest_says(tied, tmp_path)
    assert code == 1
    assert "Unsound" in out
    assert "stuck-parameters" in out


def test_the_settings_are_read():
    (settings,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    found = config.read(tomllib.loads(settings)["tool"]["symbreak"])
    assert found.only == "head.*"
    assert [each.rule for each in found.suppressions] == ["symmetric-units"]
