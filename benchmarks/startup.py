"""How long `symbreak --version` and `import symbreak` take, beside `python -c pass`.

    python benchmarks/startup.py

Prints medians over interleaved rounds and what is added to the bare interpreter.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "symbreak --version": ["-m", "symbreak", "--version"],
    "import symbreak": ["-c", "import symbreak"],
    "import numpy": ["-c", "import numpy"],
}


def seconds(arguments: list[str]) -> float:
    """Wall time of one fresh process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print a row for each command."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    bare = statistics.median(times["python -c pass"])
    for name, values in times.items():
        middle = statistics.median(values)
        added = middle - bare
        print(f"{name:<20} {1e3 * middle:7.1f} ms  +{1e3 * added:6.1f} ms  {middle / bare:5.2f} times the interpreter")


if __name__ == "__main__":
    main()
