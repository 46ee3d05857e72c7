"""The command line: parse, call, print."""

from symbreak.cli.app import run as run
