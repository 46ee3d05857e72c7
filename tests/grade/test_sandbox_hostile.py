"""Hostile code: it costs its own call at most, gets no point, and leaves nothing."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import resource
import socket
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from symbreak.grade.sandbox import Limits, launch, open_subject
from symbreak.grade.sandbox.inner import disk
from symbreak.grade.subject import Call

_SPEC = importlib.util.spec_from_file_location("attacks", Path(__file__).parent / "hostile" / "attacks.py")
attacks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(attacks)

LIMITS = Limits(
    seconds_per_call=5.0,
    memory_bytes=256 << 20,
    output_bytes=4096,
    file_bytes=1 << 20,
    processes=8,
    value_bytes=1 << 20,
)
# For a compiler, which the call waits for, on a busy machine; loading a library takes its time too.
PATIENT = dataclasses.replace(LIMITS, seconds_per_call=60.0, seconds_to_load=120.0, seconds_in_all=240.0)
# For what is known to last for ever.
SHORT = dataclasses.replace(LIMITS, seconds_per_call=1.0)
# A child starts in 0.2 s on an idle machine; tests run beside each other.
SLACK_SECONDS = 20.0
# What a frame of the largest size costs to read, with room for the interpreter.
MOST_GROWTH = 64 << 20
X = np.arange(6.0).reshape(2, 3) + 1


def is_right(outcome) -> bool:
    """The judgement: it is made here, of plain values."""
    value = outcome.value
    return not outcome.failed and type(value) is np.ndarray and value.shape == X.shape and bool((value == 2 * X).all())


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def folders() -> set[str]:
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("symbreak-")}


def processes(user_text: str) -> list[str]:
    """Command lines of processes that have a text in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if user_text in line:
            found.append(line)
    return found


@pytest.fixture
def own_runner(tmp_path, monkeypatch) -> str:
    """A path that the command lines of this test's processes have in them, and those of no other test's."""
    inner = tmp_path / "inner"
    inner.symlink_to(launch._RUNNER.parent)
    monkeypatch.setattr(launch, "_RUNNER", inner / "runner.py")
    return str(inner)


@pytest.fixture
def own_tmp(tmp_path, monkeypatch):
    """A folder for temporary files that nobody else uses, so that what is left in it is ours."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_an_attack_costs_its_own_call(name, own_tmp):
    _, _, stops, text = attacks.ATTACKS[name]
    limits = SHORT if "time" in stops else LIMITS
    before, begun = memory(), time.monotonic()
    with open_subject(attacks.source(name), limits=limits) as subject:
        assert subject.problem == ""
        outcome = subject.call(Call("predict", (X,)))
        later = [subject.call(Call("layer_sizes", (X,))) for _ in range(2)]
    assert time.monotonic() - begun < limits.seconds_per_call + SLACK_SECONDS
    assert memory() - before < MOST_GROWTH
    assert os.listdir(own_tmp) == []
    assert not is_right(outcome)
    assert outcome.stopped in stops, outcome
    assert text in outcome.error, outcome
    assert len(outcome.error) < 4096
    assert max(len(outcome.stdout), len(outcome.stderr)) <= LIMITS.output_bytes
    if name not in ("built-ins say yes", "modules emptied"):  # these two have broken their own later calls
        assert is_right(later[-1]), later


def test_the_judgement_accepts_what_is_right():
    with open_subject(attacks.HONEST, limits=LIMITS) as subject:
        assert is_right(subject.call(Call("layer_sizes", (X,))))


@pytest.mark.parametrize(
    ("source", "stopped"),
    [
        ("while True: pass", "time"),
        ("import os; os._exit(0)", "exit"),
        ("while True: print('x' * 1000)", "output"),
        (attacks.FORGE + "everywhere(frame(''))", "protocol"),
        ("import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(os.getpid(), signal.SIGSTOP)\n"
         "while True: pass", "time"),
    ],
)  # fmt: skip
def test_an_attack_while_loading_is_the_problem(source, stopped, own_tmp):
    limits = dataclasses.replace(LIMITS, seconds_to_load=1.0)
    with open_subject(source + attacks.HONEST, limits=limits) as subject:
        assert subject.problem
        assert subject.functions == {}
        outcome = subject.call(Call("layer_sizes", (X,)))
        assert outcome.stopped in (stopped, "time") or outcome.error == subject.problem
    assert os.listdir(own_tmp) == []


# -- each protection: with it the attack fails, without it the attack works ----------------------------------


def value_of(body: str, *, before: str = "import os", without=(), limits=LIMITS):
    with open_subject(f"{before}\ndef predict(X):\n    {body}", limits=limits, without=without) as subject:
        outcome = subject.call(Call("predict", (X,)))
    return outcome.value if not outcome.failed else outcome.stopped or outcome.error.partition(":")[0]


def test_a_reply_written_beforehand_is_refused_by_its_nonce():
    source = (
        attacks.FORGE
        + "def predict(X):\n    everywhere(frame(own_nonce()) + frame('later'))\n"
        + "    import time; time.sleep(1e6)\n"
    )
    source += "def layer_sizes(X): raise ValueError\n"

    def second(**options):
        with open_subject(source, limits=LIMITS, **options) as subject:
            assert subject.call(Call("predict", (X,))).value == 42.0  # of its own call it says what it likes
            return subject.call(Call("layer_sizes", (X,)))

    assert second().stopped == "protocol"
    assert second(without={"nonce"}).value == 42.0


def test_a_forged_report_is_cut_to_what_was_asked():
    source = attacks.FORGE + (
        "def predict(X):\n"
        "    data = frame(own_nonce()).decode('latin-1')[12:]\n"
        '    data = data.replace(\'"changed": []\', \'"changed": ["0", "no argument"]\')\n'
        "    data = data.replace('\"error\": \"\"', '\"error\": \"' + 'x' * 500000 + '\"').encode()\n"
        "    everywhere(struct.pack('<IQ', len(data), 0) + data)\n"
    )
    with open_subject(source, limits=LIMITS) as subject:
        outcome = subject.call(Call("predict", (X,)))
    assert outcome.changed == ("0",)
    assert outcome.error == "x" * 2000


def test_the_filter_refuses_processes_programs_and_sockets():
    fork = "pid = os.fork()\n    if pid == 0: os._exit(0)\n    return os.waitpid(pid, 0)[0] == pid"
    assert value_of(fork) == "PermissionError"
    assert value_of(fork, without={"calls"}) is True
    make = "return socket.socket().fileno() > 0"
    assert value_of(make, before="import socket") == "PermissionError"
    assert value_of(make, before="import socket", without={"calls"}) is True


FORKS = """
import os
def bomb():
    made = 0
    while True:
        try:
            if os.fork() == 0:
                while True: pass
            made += 1
        except OSError:
            return made
def predict(X):
    return bomb()
"""


@pytest.mark.parametrize("without", [{"calls"}, {"calls", "processes"}])
def test_processes_are_counted_and_end_with_the_child(without, own_runner):
    with open_subject(FORKS, limits=SHORT, without=without) as subject:
        assert processes(own_runner)
        made = subject.call(Call("predict", (X,)))
        if "user" in subject.protection.active:
            assert made.value < LIMITS.processes
    assert processes(own_runner) == []


def test_a_daemon_is_gone_after_closing(own_runner):
    source = """
import os, time
def predict(X):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1e6)
        os._exit(0)
    return 1
"""
    for without in ({"calls"}, {"calls", "processes"}):
        with open_subject(source, limits=LIMITS, without=without) as subject:
            assert subject.call(Call("predict", (X,))).value == 1
            time.sleep(0.1)
            assert len(processes(own_runner)) >= 3  # the warden, the code, the daemon
        assert processes(own_runner) == []


def test_files_are_out_of_sight(tmp_path):
    secret = tmp_path / "answers.txt"
    secret.write_text("the answer")
    tmp_path.chmod(0o755)
    body = f"return open({str(secret)!r}).read()"
    assert value_of(body) == "FileNotFoundError"
    assert value_of(body, without={"files", "user"}) == "the answer"
    package = str(Path(importlib.util.find_spec("symbreak").origin).parent)
    assert value_of(f"return os.path.exists({package!r}) and os.listdir({package!r})") in (False, [])
    assert "grade" in value_of(f"return os.listdir({package!r})", without={"files", "user"})


def test_nothing_can_be_written_but_at_home():
    body = "open('own', 'w').close()\n    return [p for p, names, _ in os.walk('/') if os.access(p, os.W_OK)"
    body += " or p in ('/usr', '/proc') and names.clear()]"
    written = value_of(body, limits=Limits())
    assert written == ["/learner"]


def test_the_disk_is_small_also_without_a_disk_of_its_own(own_tmp):
    body = "for i in range(10**6): open(f'f{i}', 'w').close()"
    assert value_of(body) == "OSError"
    begun = time.monotonic()
    assert value_of(body, without={"files", "user"}) == "exit"
    assert time.monotonic() - begun < SLACK_SECONDS
    assert os.listdir(own_tmp) == []


DEEP = """
import os
def predict(X):
    try:
        for _ in range(20_000):
            os.mkdir("d")
            os.chdir("d")
    except OSError as error:
        return error.strerror
def layer_sizes(X): return 2 * X
"""


@pytest.mark.parametrize("without", [set(), {"files"}, {"files", "user"}])
def test_folders_too_deep_for_a_path_are_stopped_and_removed(without, own_tmp):
    with open_subject(DEEP, limits=LIMITS, without=without) as subject:
        outcome = subject.call(Call("predict", (X,)))
        assert outcome.value == "No space left on device" if not without else outcome.stopped == "exit"
        assert is_right(subject.call(Call("layer_sizes", (X,))))
    assert os.listdir(own_tmp) == []


def test_what_is_removed_leaves_what_it_links_to(tmp_path):
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    kept.mkdir()
    (kept / "file").write_text("x")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "link").symlink_to(kept)
    (folder / "a" / "b" / "link").symlink_to(kept)
    (folder / "a").chmod(0)
    disk.remove(str(folder))
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "file"]


def test_other_processes_are_out_of_sight():
    body = "return len([p for p in os.listdir('/proc') if p.isdigit()])"
    assert value_of(body) == 1
    assert value_of(body, without={"processes"}) > 1


def test_there_is_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = f"return socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 2).fileno() > 0"
        assert value_of(body, before="import socket", without={"calls"}) == "OSError"
        assert value_of(body, before="import socket", without={"calls", "network"}) is True


def test_memory_is_bounded_by_the_kernel():
    body = "return np.ones(40_000_000).nbytes"
    assert value_of(body, before="import numpy as np") == "memory"
    assert value_of(body, before="import numpy as np", without={"limits"}) == 320_000_000


JAX = """
import jax, os, threading, time
import jax.numpy as jnp
import numpy as np

@jax.jit
def product(X):
    return jnp.tanh(X @ X.T).sum()
"""
THREADS = """made = []
    try:
        while True:
            made.append(threading.Thread(target=time.sleep, args=(1e6,), daemon=True))
            made[-1].start()
    except RuntimeError:
        return len(made)"""


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (
            "return float(jax.grad(product)(X).sum() + jax.random.normal(jax.random.PRNGKey(0), (100, 100)).size) > 0",
            True,
        ),
        (THREADS, LIMITS.processes),
        ("return np.ones(40_000_000).nbytes", "memory"),
        ("while True: os.fork()", "PermissionError"),
    ],
)
def test_jax_runs_and_the_code_has_no_more_than_without_it(body, value):
    assert value_of(body, before=JAX, limits=PATIENT) == value
    if "X" not in body:
        assert value_of(body, before="import os, threading, time\nimport numpy as np") == value


FORGED = [
    "[7]", "7", "[{}]", "[{'error': 7}]",
    "[{'error': '', 'cell': True, 'line': 1, 'text': '', 'lost': [], 'loss': 'all'}]",
    "[{'error': '', 'cell': 1, 'line': 1, 'text': '', 'lost': [], 'loss': 'you pass'}]",
]  # fmt: skip


SOUND = "[{'error': 'E', 'cell': 1, 'line': 10**9, 'text': '', 'lost': ['x', 'predict'], 'loss': 'all'}]"


@pytest.mark.parametrize("told", [SOUND, *FORGED])
def test_a_forged_report_of_loading_has_the_form_of_one_or_is_refused(told):
    source = attacks.FORGE + (
        "nonce = own_nonce()\n"
        f"header = json.dumps({{'fields': {{'nonce': nonce, 'empty': False, 'functions': {{}}, 'raised': {told}}},\n"
        "                      'trees': {}}).encode()\n"
        "everywhere(struct.pack('<IQ', len(header), 0) + header)\n"
    )
    with open_subject(source, limits=LIMITS) as subject:
        assert subject.problem == ("" if told is SOUND else "the code wrote to the grader's pipe while it was loaded")
        assert [each.names for each in subject.raised] == ([("predict",)] if told is SOUND else [])


def test_output_is_kept_up_to_its_limit():
    source = "def predict(X):\n    print('x' * 100_000)\n    return 1"

    def kept(limit):
        with open_subject(source, limits=Limits(output_bytes=limit)) as subject:
            return len(subject.call(Call("predict", (X,))).stdout)

    assert kept(1000) == 1000
    assert kept(50_000) == 50_000


def test_the_environment_holds_no_secret(monkeypatch):
    monkeypatch.setenv("TEACHERS_TOKEN", "secret")
    body = "return [os.environ.get('TEACHERS_TOKEN'), b'secret' in open('/proc/self/environ', 'rb').read()]"
    found = value_of("return os.environ.get('TEACHERS_TOKEN')")
    assert found is None
    assert value_of(body) in ("PermissionError", [None, False])
    monkeypatch.setattr("symbreak.grade.sandbox.launch._environment", lambda: dict(os.environ))
    assert value_of("return os.environ.get('TEACHERS_TOKEN')") == "secret"


def test_the_user_is_not_root():
    if os.geteuid() != 0:
        assert value_of("return os.getuid()") == os.getuid()
        return
    assert value_of("return os.getuid()") > 1_000_000_000
    assert value_of("return os.getuid()", without={"user"}) == 0


def test_every_layer_is_on_here():
    with open_subject("", limits=LIMITS) as subject:
        missing = dict(subject.protection.missing)
    if os.geteuid() != 0:
        assert "not root" in missing.pop("user")
    assert missing == {}


def test_a_layer_that_is_off_is_said():
    with open_subject("", limits=LIMITS, without={"calls"}) as subject:
        assert subject.protection.missing == {"calls": "left out on request"}
        assert "NOT: the kernel refuses it new processes" in subject.protection.text()


def test_the_time_in_all_ends(own_tmp):
    limits = Limits(seconds_per_call=1.0, seconds_in_all=2.5)
    with open_subject("def predict(X):\n    while True: pass" + attacks.HONEST, limits=limits) as subject:
        stops = [subject.call(Call("predict", (X,))).stopped for _ in range(3)]
        assert set(stops) == {"time"}
        begun = time.monotonic()
        assert subject.call(Call("layer_sizes", (X,))).stopped == "time"
        assert time.monotonic() - begun < SLACK_SECONDS
