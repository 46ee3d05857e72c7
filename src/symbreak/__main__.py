"""The command line's entry: `symbreak`, or `python -m symbreak`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; asking for the version loads nothing else."""
    try:
        if sys.argv[1:] == ["--version"]:
            from symbreak._version import __version__

            print(f"symbreak {__version__}")  # noqa: T201
            return
        from symbreak.cli import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        # Ctrl-C while modules are still loading.
        print("interrupted: nothing was finished", file=sys.stderr)  # noqa: T201
        sys.exit(130)


if __name__ == "__main__":
    main()
