"""`symbreak lab`: a local page on which one sees a symmetry break."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from symbreak.lab.server import Door

PORT = 8765

Port = Annotated[int, typer.Option(min=0, max=65535, help="Where the page is served; 0 takes a free port.")]
Host = Annotated[str, typer.Option(help="Who can reach it: 127.0.0.1 is this machine alone.")]


def command(
    port: Port = PORT,
    host: Host = "127.0.0.1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open a local page: networks race side by side from different starts, the proof ticks live. Ctrl-C ends it."""
    from symbreak.lab.serving import serve

    def ready(door: Door) -> None:
        typer.echo(f"symbreak lab is at {door.address}")
        if not no_browser:
            webbrowser.open(door.address)

    try:
        serve(host, port, ready=ready)
    except KeyboardInterrupt:
        typer.echo("symbreak lab has ended")
