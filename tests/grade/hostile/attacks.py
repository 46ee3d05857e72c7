"""What hostile code does. Each attack is the body of `predict`, which should return 2 * X and never does."""

from __future__ import annotations

HONEST = "\ndef layer_sizes(X):\n    return 2 * X\n"

FORGE = """
import json, os, struct, sys

def frame(nonce, value=("f", (42.0).hex())):
    header = json.dumps({"fields": {"nonce": nonce, "error": "", "changed": [], "memory": False, "too_large": ""},
                         "trees": {"value": list(value)}}).encode()
    return struct.pack("<IQ", len(header), 0) + header

def everywhere(data):
    for fd in range(3, 64):
        try:
            os.write(fd, data)
        except OSError:
            pass

def own_nonce():
    step = sys._getframe()
    while step is not None:
        if "request" in step.f_locals and "nonce" in step.f_locals["request"]:
            return step.f_locals["request"]["nonce"]
        step = step.f_back
"""

# name: (before the function, its body, what may stop it, what its error may contain).
# `None` among the stops: the call may end by itself, with an error or with a wrong value.
ATTACKS: dict[str, tuple[str, str, set[str | None], str]] = {
    "infinite loop": ("", "while True: pass", {"time"}, ""),
    "sleeps for ever": ("import time", "time.sleep(1e6)", {"time"}, ""),
    "fork bomb": ("import os", "while True: os.fork()", {None}, "PermissionError"),
    "thread bomb": (
        "import threading, time",
        "while True: threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()",
        {None, "time"},
        "",
    ),
    "memory of NumPy": ("import numpy as np", "return [np.ones(10**7) for _ in range(100)]", {"memory"}, ""),
    "memory of lists": ("", "x = [0]\n    while True: x = x + x", {"memory"}, ""),
    "shared memory": ("import mmap", "return [mmap.mmap(-1, 1 << 26) for _ in range(99)]", {None, "memory"}, ""),
    "hidden memory": ("import os", "return os.memfd_create('m')", {None}, "PermissionError"),
    "os._exit": ("import os", "os._exit(0)", {"exit"}, ""),
    "sys.exit": ("import sys", "sys.exit(0)", {None}, "SystemExit"),
    "an interrupt": ("", "raise KeyboardInterrupt", {None}, "KeyboardInterrupt"),
    "a crash": ("import ctypes", "ctypes.string_at(0)", {"exit"}, ""),
    "abort": ("import os", "os.abort()", {"exit"}, ""),
    "endless print": ("", "while True: print('a' * 1000)", {"output", "time"}, ""),
    "endless errors": ("import os", "while True: os.write(2, b'x' * 65536)", {"output", "time"}, ""),
    "stdout is garbage": ("import sys", "sys.stdout = sys.stderr = 7\n    return 0", {None}, ""),
    "stdout is closed": ("import os", "os.close(1)\n    os.close(2)\n    return 0", {None}, ""),
    "all files closed": ("import os", "os.closerange(0, 64)\n    return 0", {"exit"}, ""),
    "NumPy says yes": (
        "import numpy as np\nyes = lambda *a, **k: True\n"
        "np.allclose = np.array_equal = np.all = np.isclose = np.testing.assert_allclose = yes",
        "return 0 * X",
        {None},
        "",
    ),
    "built-ins say yes": (
        "import builtins",
        "builtins.isinstance = builtins.issubclass = lambda *a: True\n    builtins.len = lambda x: 1\n    return 0 * X",
        {None, "exit", "protocol"},
        "",
    ),
    "modules emptied": ("import sys", "sys.modules.clear()\n    return 0", {None, "exit"}, ""),
    "looks up the stack": (
        "import sys, numpy as np",
        "found, step = [], sys._getframe()\n"
        "    while step:\n"
        "        found += [v for v in step.f_locals.values() if isinstance(v, np.ndarray)]\n"
        "        step = step.f_back\n"
        "    return [v for v in found if v is not X and v.shape == X.shape and (v == 2 * X).all()][0]",
        {None},
        "IndexError",
    ),
    "looks through the heap": (
        "import gc, numpy as np",
        "return [v for v in gc.get_objects() if isinstance(v, np.ndarray) and v.shape == X.shape and v is not X"
        " and (v == 2 * X).all()][0]",
        {None},
        "IndexError",
    ),
    "forged reply, no nonce": (FORGE, "everywhere(frame(''))\n    return 0", {"protocol"}, ""),
    "forged reply, guessed nonce": (FORGE, "everywhere(frame('0' * 32))\n    return 0", {"protocol"}, ""),
    "forged reply, then exit": (FORGE, "everywhere(frame('x'))\n    os._exit(0)", {"protocol"}, ""),
    "forged reply, own nonce": (FORGE, "everywhere(frame(own_nonce()))\n    return 0", {None}, ""),
    "garbage as reply": (FORGE, "everywhere(os.urandom(4096))\n    return 0", {"protocol"}, ""),
    "endless reply": (FORGE, "everywhere(struct.pack('<IQ', 1000, 2**40))\n    return 0", {"protocol"}, ""),
    "reply that never ends": (
        FORGE,
        "everywhere(struct.pack('<IQ', 1000, 1000))\n    import time; time.sleep(1e6)",
        {"time"},
        "",
    ),
    "nested reply": (
        FORGE,
        "everywhere(struct.pack('<IQ', 200000, 0) + b'[' * 200000)\n    return 0",
        {"protocol"},
        "",
    ),
    "half a reply": (FORGE, "everywhere(frame(own_nonce())[:20])\n    os._exit(0)", {"exit", "protocol"}, ""),
    "reply of arrays without bytes": (
        FORGE,
        "everywhere(frame(own_nonce(), ('a', 'f8', [1 << 30, 1 << 30])))\n    return 0",
        {"protocol"},
        "",
    ),
    "reply of objects": (FORGE, "everywhere(frame(own_nonce(), ('a', 'O', [1])))\n    return 0", {"protocol"}, ""),
    "a result file": (
        "import json",
        "for name in ('results.json', '/autograder/results/results.json', '../results.json', '/tmp/results.json'):\n"
        "        try: open(name, 'w').write(json.dumps({'score': 100}))\n"
        "        except OSError: pass\n"
        "    return 0",
        {None},
        "",
    ),
    "a huge file": (
        "import signal",
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    with open('big', 'wb', buffering=0) as file:\n"
        "        while True: file.write(bytes(1 << 20))",
        {None},
        "OSError",
    ),
    "100 000 small files": (
        "",
        "for i in range(10**5):\n        with open(f'f{i}', 'w') as file: file.write('x')",
        {None},
        "OSError",
    ),
    "opens a socket": ("import socket", "socket.socket()", {None}, "PermissionError"),
    "kills its parent": ("import os", "os.kill(os.getppid(), 9)\n    return 0", {None, "exit"}, ""),
    "kills everybody": ("import os", "os.kill(-1, 9)\n    return 0", {None}, "PermissionError"),
    "kills its group": ("import os", "os.killpg(0, 9)\n    return 0", {None, "exit"}, ""),
    "traces": (
        "import ctypes, os",
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "    return [libc.ptrace(16, p, 0, 0) for p in range(2, 70000)].index(0)",
        {None},
        "ValueError",
    ),
    "reads the grader's memory": (
        "import os",
        "other = [p for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()]\n"
        "    return open(f'/proc/{other[0]}/mem', 'rb')",
        {None},
        "IndexError",
    ),
    "a program": ("import subprocess", "subprocess.run(['/bin/sh', '-c', 'true'])", {None}, "PermissionError"),
    "becomes a program": ("import os", "os.execv('/bin/sleep', ['sleep', '1000'])", {None}, "PermissionError"),
    "new namespaces": (
        "import ctypes",
        "libc = ctypes.CDLL(None)\n    assert libc.unshare(0x10000000) == 0",
        {None},
        "AssertionError",
    ),
    "takes the walls down": (
        "import ctypes",
        "libc = ctypes.CDLL(None)\n    assert libc.umount2(b'/learner', 2) == 0",
        {None},
        "AssertionError",
    ),
    "becomes root": ("import os", "os.setuid(0)", {None}, "PermissionError"),
    "raises its limits": (
        "import resource",
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
        {None},
        "ValueError: not allowed",
    ),
    "a daemon thread": (
        "import threading",
        "def spin():\n        while True: pass\n    threading.Thread(target=spin, daemon=True).start()\n    return 0",
        {None},
        "",
    ),
    "a thread that stays": (
        "import atexit, threading, time",
        "atexit.register(time.sleep, 1e6)\n    threading.Thread(target=time.sleep, args=(1e6,)).start()\n    return 0",
        {None},
        "",
    ),
    "deep recursion": ("", "return predict(X)", {None}, "RecursionError"),
    "deeper recursion": (
        "import sys",
        "sys.setrecursionlimit(10**9)\n    f = lambda x: f(x)\n    return sorted([1], key=lambda x: predict(X))",
        {"exit", "memory"},
        "",
    ),
    "an evil object": (
        "import numpy as np\n"
        "class Evil:\n"
        "    __class__ = property(lambda self: np.ndarray)\n"
        "    __eq__ = lambda self, other: True\n"
        "    __len__ = lambda self: 1 << 62\n"
        "    __hash__ = None\n"
        "    __getattr__ = lambda self, name: self\n"
        "    __array__ = lambda self, *a, **k: 1 / 0\n"
        "    __iter__ = __next__ = lambda self: self",
        "return Evil()",
        {None},
        "",
    ),
    "an array that agrees": (
        "import numpy as np\nclass Yes(np.ndarray):\n    __eq__ = lambda self, other: np.ones(self.shape, bool)",
        "return (0 * X).view(Yes)",
        {None},
        "",
    ),
    "a number that agrees": (
        "class Yes(float):\n    __eq__ = lambda self, other: True\n    __sub__ = __rsub__ = lambda self, other: 0.0",
        "return {'a': Yes(3)}",
        {None},
        "",
    ),
    "a huge view": (
        "import numpy as np",
        "return np.broadcast_to(np.float64(1), (10**5, 10**5))",
        {"output", "memory"},
        "",
    ),
    "a result that is too large": ("import numpy as np", "return np.zeros(10**6)", {"output"}, "too large"),
    "NaN payloads": (
        "import numpy as np",
        "return np.array([0x7ff8dead00000000] * X.size, dtype=np.uint64).view(np.float64).reshape(X.shape)",
        {None},
        "",
    ),
    "a dict of a million": ("", "return {i: i for i in range(10**6)}", {"output", "memory", "time"}, ""),
    "a list in itself": ("", "x = []\n    x.append(x)\n    return x", {None, "output"}, ""),
    "a generator without end": ("", "return iter(int, 1)", {None}, ""),
    "stops itself": ("import os, signal", "os.kill(os.getpid(), signal.SIGSTOP)\n    return 0", {None, "time"}, ""),
    "ignores signals": (
        "import signal",
        "for s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(s, signal.SIG_IGN)\n"
        "    while True: pass",
        {"time"},
        "",
    ),
    "deletes its folder": (
        "import os, shutil",
        "shutil.rmtree(os.getcwd(), ignore_errors=True)\n    return os.getcwd()",
        {None},
        "",
    ),
    "half characters": ("", "print('\\ud800')\n    raise ValueError('\\ud800 \\x1b[2J')", {None}, "ValueError: ? "),
    "an error that cannot be read": (
        "class Worse(Exception):\n    def __str__(self): raise SystemExit",
        "raise Worse",
        {None},
        "cannot be read",
    ),
    "a long error": ("", "raise ValueError('x' * 10**7)", {None}, "ValueError: xxx"),
    "asks symbreak": ("", "import symbreak.lesson", {None}, "ModuleNotFoundError"),
    "asks symbreak, stubbornly": (
        "import sys, os",
        "del sys.modules['symbreak']\n"
        "    for folder, names, _ in os.walk('/'):\n"
        "        names[:] = [n for n in names if os.path.join(folder, n) not in ('/proc', '/usr', '/nix')]\n"
        "        if folder.endswith('symbreak'): sys.path.append(os.path.dirname(folder))\n"
        "    import symbreak.errors",
        {None, "time"},
        "",
    ),
}


def source(name: str) -> str:
    before, body, _, _ = ATTACKS[name]
    return f"{before}\n\ndef predict(X):\n    {body}\n{HONEST}"
