"""The examples of docs/callbacks.md that train with a library run as written, and print what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "callbacks.md"
EXAMPLES = re.findall(r"```py\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


@pytest.mark.parametrize("code", EXAMPLES, ids=["lightning", "transformers"])
def test_examples_run_and_print_what_they_say(code, tmp_path):
    one = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=one
    )
    assert result.returncode == 0, result.stderr
    promised = re.findall(r"^# (.+)$", code, re.MULTILINE)
    assert promised
    assert set(promised) <= set(result.stdout.splitlines())
