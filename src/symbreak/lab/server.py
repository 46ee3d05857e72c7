"""The server: who may come in, what the page is made of, a session for each page that is open."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from symbreak.lab import look
from symbreak.lab.session import Gone, Session

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STRANGER = "Open the address that symbreak lab printed: it lets this browser in.\n"

# Codes of RFC 6455 and IANA with which a WebSocket is closed.
POLICY_VIOLATION, TRY_LATER = 1008, 1013

Scope = MutableMapping[str, Any]


@dataclass(frozen=True)
class Limits:
    """How much one browser, or a hostile page, may ask for.

    Attributes:
        sessions: pages open at once; each trains in a thread of its own.
        rate: messages a second of one page, on average: three for each frame drawn.
        burst: messages that may come at once.
    """

    sessions: int = 8
    rate: float = 120.0
    burst: int = 240


@dataclass(eq=False)
class Door:
    """Who may come in: whoever has the cookie, which is given for the token, and calls this machine by its name.

    Attributes:
        host: what the server listens on.
        port: known once it listens.
    """

    host: str
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies do not tell ports apart, so it does."""
        return f"symbreak-lab-{self.port}"

    @property
    def address(self) -> str:
        """The URL that lets a browser in."""
        name = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        name = f"[{name}]" if ":" in name else name
        return f"http://{name}:{self.port}/?token={self.token}"

    def knows_host(self, connection: HTTPConnection) -> bool:
        """Tell whether the request names this machine: a foreign name that leads here is a rebinding attack."""
        try:
            given = urlsplit(f"//{connection.headers.get('host', '')}")
            name, port = (given.hostname or "").lower(), given.port or 80
        except ValueError:
            return False
        if port != self.port:
            return False
        if name in ("localhost", self.host.lower()):
            return True
        with contextlib.suppress(ValueError):
            # Nobody can make a foreign page's name out of a number.
            return ipaddress.ip_address(name).is_loopback or self.host in ("0.0.0.0", "::")
        return self.host in ("0.0.0.0", "::") and name == socket.gethostname().lower()

    def knows_origin(self, connection: HTTPConnection) -> bool:
        """Tell whether the page that asks is ours."""
        return connection.headers.get("origin") == f"http://{connection.headers.get('host')}"

    def knows_cookie(self, connection: HTTPConnection) -> bool:
        """Tell whether this browser was let in."""
        return _same(connection.cookies.get(self.cookie, ""), self.secret)


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(errors="replace"), other.encode())


class Guard:
    """Lets requests through that name this machine, and that carry the cookie or the token; adds the headers."""

    def __init__(self, app: Callable[..., Awaitable[None]], door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer, or hand on to the application."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer = self._answer(connection)
        if scope["type"] == "websocket":
            if answer is not None or not self.door.knows_origin(connection):
                await WebSocket(scope, receive, send).close(POLICY_VIOLATION)
                return
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message["headers"] if name.decode().title() not in HEADERS]
                added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = kept + added
            await send(message)

        await (answer or self.app)(scope, receive, send_with_headers)

    def _answer(self, connection: HTTPConnection) -> Response | None:
        """Return what a stranger is told, or the redirection of who has the token; None for who may come in."""
        if not self.door.knows_host(connection):
            return PlainTextResponse("This server answers to its own name only.\n", status_code=421)
        if connection.scope["type"] == "http" and connection.scope["path"] == "/":
            token = connection.query_params.get("token")
            if token is not None and _same(token, self.door.token):
                answer = RedirectResponse("/", status_code=303)
                # Lax, not strict: a link that somebody shared, in a chat on some site, leads in. What could do anything
                # is a WebSocket, and other sites' sockets come without the cookie and with their own origin.
                answer.set_cookie(self.door.cookie, self.door.secret, httponly=True, samesite="lax", path="/")
                return answer
        return None if self.door.knows_cookie(connection) else PlainTextResponse(STRANGER, status_code=401)


class Lab:
    """The application: the page's files, the presets, and a WebSocket for each page that is open."""

    def __init__(self, door: Door, limits: Limits | None = None) -> None:
        self.door, self.limits = door, limits or Limits()
        self.sessions: set[Session] = set()
        routes = [
            Route("/", self._index),
            Route("/presets.json", self._presets),
            Route("/choices.json", self._choices),
            Route("/look.css", self._look),
            WebSocketRoute("/ws", self._socket),
            Mount("/", StaticFiles(directory=PAGE)),
        ]
        self.app = Guard(Starlette(routes=routes), door)

    async def _index(self, request: Request) -> Response:
        return Response((PAGE / "index.html").read_bytes(), media_type="text/html")

    async def _presets(self, request: Request) -> Response:
        from symbreak.lab import presets

        return Response(json.dumps(presets.to_json()), media_type="application/json")

    async def _choices(self, request: Request) -> Response:
        return Response(json.dumps(look.choices()), media_type="application/json")

    async def _look(self, request: Request) -> Response:
        return Response(look.css(), media_type="text/css")

    async def _socket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        if len(self.sessions) >= self.limits.sessions:
            await websocket.close(TRY_LATER, "too many pages are open")
            return
        session = Session(lambda text: _send(websocket, text))
        self.sessions.add(session)
        running = asyncio.create_task(session.run())
        reading = asyncio.create_task(self._listen(websocket, session))
        try:
            await asyncio.wait({running, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            session.close()
            self.sessions.discard(session)
            for task in (running, reading):
                task.cancel()
            ends = await asyncio.gather(running, reading, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, Gone):
                # A defect of ours: this page's session ends, and the console says why.
                raise end

    async def _listen(self, websocket: WebSocket, session: Session) -> None:
        """Hand on what the page says; a page that says too much waits."""
        allowance = Allowance(self.limits)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                received = await websocket.receive()
                if received["type"] == "websocket.disconnect":
                    return
                await allowance.spend()
                await session.receive(received.get("text") or "")


async def _send(websocket: WebSocket, text: str) -> None:
    try:
        await websocket.send_text(text)
    except (WebSocketDisconnect, RuntimeError) as error:
        # Starlette raises the second if the socket is closed already.
        raise Gone from error


class Allowance:
    """A bucket of messages that fills at a steady rate."""

    def __init__(self, limits: Limits) -> None:
        self._rate, self._most = limits.rate, limits.burst
        self._left, self._at = float(limits.burst), time.monotonic()

    async def spend(self) -> None:
        """Take one message out; wait for it if there is none."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._rate) - 1
        self._at = now
        if self._left < 0:
            await asyncio.sleep(-self._left / self._rate)
