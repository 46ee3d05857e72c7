"""Listening: a free port, a clear word if there is none, and an end at once."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable

import uvicorn

from symbreak.errors import InvalidInput
from symbreak.lab.protocol import MOST_BYTES
from symbreak.lab.race import warm
from symbreak.lab.server import Door, Lab, Limits


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this port; on a free one if it is 0.

    Raises:
        InvalidInput: the port is taken, or the host is none of this machine.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        found = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                # Else a port stays taken for a minute after its server has gone.
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen()
        except BaseException:
            found.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        no_host = isinstance(error, (socket.gaierror, UnicodeError)) or (
            isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL
        )
        raise InvalidInput(
            "the lab cannot listen there",
            got=f"{host}:{port}: {reason}",
            allowed="an address of this machine" if no_host else "a free port of this machine",
            hint="--host 127.0.0.1, this machine alone" if no_host else "--port 0, which takes any free port",
        ) from None
    return found


def serve(host: str, port: int, *, ready: Callable[[Door], None], limits: Limits | None = None) -> None:
    """Serve until interrupted; `ready` is told the address once requests are answered.

    Raises:
        InvalidInput: see `listen`.
        KeyboardInterrupt: Ctrl-C.
    """
    listening = listen(host, port)
    door = Door(host, listening.getsockname()[1])
    lab = Lab(door, limits)
    with listening:
        asyncio.run(_serve(uvicorn.Server(configured(lab)), listening, lambda: ready(door)))


def configured(lab: Lab) -> uvicorn.Config:
    """Return how Uvicorn serves the lab: quietly, and not waiting long for pages that stay open."""
    return uvicorn.Config(
        lab.app,
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="error",
        server_header=False,
        timeout_graceful_shutdown=1,
    )


async def _serve(server: uvicorn.Server, listening: socket.socket, ready: Callable[[], None]) -> None:
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        threading.Thread(target=warm, daemon=True).start()
        # A browser may take its time to open.
        threading.Thread(target=ready, daemon=True).start()
    await serving
