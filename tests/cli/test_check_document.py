"""The how-to's pytest example and its settings do what they say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from torch import nn

import symbreak
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


WORKFLOWS = [line.strip() for line in TEXT.splitlines() if line.strip().startswith("- run: symbreak")]
MODEL = """
from torch import nn

def build_model():
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    for parameter in model.parameters():
        nn.init.constant_(parameter, {value})
    return model if {tied} else nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
"""


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("step", WORKFLOWS)
def test_the_steps_for_github_run_as_they_are_written(step, tied, tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "mod.py").write_text(MODEL.format(value=0.1, tied=tied))
    command = step.removeprefix("- run: ").replace("symbreak", f"{sys.executable} -m symbreak", 1)
    done = subprocess.run(["bash", "-e", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    written = tmp_path / "start.sarif"
    if "sarif" in step:
        assert done.returncode == 0, done.stderr
        results = json.loads(written.read_text())["runs"][0]["results"]
        assert any(result["ruleId"] == "symmetric-units" for result in results) is tied
    else:
        assert done.returncode == int(tied), done.stderr
        assert ("::error file=pkg/mod.py,line=4," in done.stdout) is tied


def test_the_json_has_the_keys_that_are_documented():
    rows = re.findall(r"^\| (`[a-z`, ]+) \|", TEXT[TEXT.index("`to_json` is one object") :], re.MULTILINE)
    documented = {name for row in rows[:6] for name in re.findall(r"`(\w+)`", row)}
    report = symbreak.check(nn.Linear(2, 2))
    assert documented == set(report.to_json())
