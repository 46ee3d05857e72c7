"""README and docs say what the program does: quoted outputs, Python examples, links."""

from __future__ import annotations

import doctest
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_spec = importlib.util.spec_from_file_location("outputs", ROOT / "tools" / "outputs.py")
outputs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(outputs)

BLOCKS = [(path, match) for path in DOCUMENTS for match in outputs.BLOCK.finditer(path.read_text())]
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
# Sessions, with their answers below the prompts, are run as such; other blocks are scripts.
EXAMPLES = [
    (path, code) for path in DOCUMENTS for code in PYTHON.findall(path.read_text()) if not code.startswith(">>>")
]
SESSIONS = [path for path in DOCUMENTS if "```python\n>>>" in path.read_text()]


@pytest.mark.parametrize(("path", "block"), BLOCKS, ids=[f"{path.name}: {m[2]}" for path, m in BLOCKS])
def test_quoted_outputs_are_what_the_commands_print(path, block):
    assert outputs.filled(block[0]) == block[0]


def test_a_stale_output_is_noticed():
    stale = "<!-- output: python -c 'print(1)' -->\n```\n2\n```\n<!-- end -->"
    assert outputs.filled(stale) == stale.replace("2", "1")


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def promised(code: str) -> list[str]:
    """The comment lines that follow a print are what it prints."""
    return re.findall(r"^# (.+)$", code, re.MULTILINE)


@pytest.mark.parametrize(("path", "code"), EXAMPLES, ids=[f"{path.name} {i}" for i, (path, _) in enumerate(EXAMPLES)])
def test_python_examples_run_and_print_what_they_say(path, code):
    assert run(code).splitlines() == promised(code)


@pytest.mark.parametrize("path", SESSIONS, ids=lambda p: p.name)
def test_sessions_answer_as_they_say(path):
    session = doctest.DocTestParser().get_doctest(
        "\n".join(PYTHON.findall(path.read_text())), {}, path.name, str(path), 0
    )
    assert session.examples
    assert doctest.DocTestRunner(verbose=False).run(session).failed == 0


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_first_screen_of_the_readme_has_both_commands():
    first_screen = (ROOT / "README.md").read_text().splitlines()[:12]
    assert any(line.strip().startswith("pip install . && symbreak compare") for line in first_screen)
    assert any(line.strip().startswith("pip install '.[test]' && pytest") for line in first_screen)
