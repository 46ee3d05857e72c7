"""The command line's entry: `symbreak`, or `python -m symbreak`."""

from __future__ import annotations

import sys

INTERRUPTED = 130  # that of cli.exits, whose package would load all that the command line needs


def main() -> None:
    """Run the command line; asking for the version loads nothing else."""
    try:
        if sys.argv[1:] == ["--version"]:
            from symbreak._version import __version__

            print(f"symbreak {__version__}")  # noqa: T201
            return
        from symbreak.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Ctrl-C while modules are still loading.
        print("interrupted: nothing was finished", file=sys.stderr)  # noqa: T201
        code = INTERRUPTED
    if code == INTERRUPTED:
        # `python -m` ends itself by the signal if Ctrl-C fell into what a module runs by exec(), as dataclasses do.
        import ctypes

        ctypes.pythonapi.Py_Exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
