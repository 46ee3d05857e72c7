"""Many submissions at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symbreak.errors import InvalidInput
from symbreak.grade.sandbox import grade_many

HOSTILE = Path(__file__).parent / "hostile"


@pytest.fixture
def graders(monkeypatch):
    monkeypatch.syspath_prepend(str(HOSTILE))
    import graders

    return graders


def submissions(folder: Path) -> list[Path]:
    """Two hundred files; a child is started for every tenth, the others are only read."""
    paths = [folder / f"{i:03}.py" for i in range(200)]
    for i, path in enumerate(paths):
        path.write_text(f"def predict(X):\n    return {i} * X\n" if i % 10 == 0 else "# COUNT ME" + "!" * i)
    return paths


def test_two_hundred_submissions_and_some_that_crash(graders, tmp_path):
    paths = submissions(tmp_path)
    expected = [21.0 * i if i % 10 == 0 else 10.0 + i for i in range(200)]
    for i, text, result in [
        (7, "import os\nos._exit(1)", -1.0),
        (11, "# BREAK THE GRADER", None),
        (12, "# RAISE", None),
        (150, "def predict(X):\n    import os\n    os.kill(os.getppid(), 9); os.abort()", -1.0),
    ]:
        paths[i].write_text(text)
        expected[i] = result
    paths[199].unlink()
    expected[199] = None
    seen = []
    graded = grade_many(paths, graders.trivial, workers=2, progress=lambda done, of: seen.append((done, of)))
    assert [each.path for each in graded] == paths
    assert [each.result for each in graded] == expected
    assert graded[11].error == "the grader's own process ended with code 3"
    assert graded[12].error == "RuntimeError: not the learner's fault"
    assert graded[199].error.startswith("FileNotFoundError")
    assert not any(each.error for i, each in enumerate(graded) if i not in (11, 12, 199))
    assert seen == [(i + 1, 200) for i in range(200)]


def test_none_and_nobody(graders):
    assert grade_many([], graders.trivial) == []
    with pytest.raises(InvalidInput):
        grade_many([], graders.trivial, workers=0)


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import graders
from symbreak.grade.sandbox import grade_many
if __name__ == "__main__":
    try:
        grade_many(sys.argv[2:], graders.endless, workers=2)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def commands(marker: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in path.read_bytes() or marker.encode() in (path.parent / "cmdline").read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_ends_everything(how, tmp_path):
    """Also when the grader itself is killed: the wardens see its end."""
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    path = tmp_path / "loop.py"
    path.write_text("def predict(X):\n    while True: pass\n")
    grader = subprocess.Popen(
        [sys.executable, str(script), str(HOSTILE), str(path), str(path)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(os.listdir(temporary)) == 2)
    os.killpg(grader.pid, how) if how == signal.SIGINT else grader.kill()
    out, _ = grader.communicate(timeout=60)
    assert out == ("interrupted\n" if how == signal.SIGINT else "")
    wait_until(lambda: os.listdir(temporary) == [])
    wait_until(lambda: commands(str(temporary)) == [])


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
