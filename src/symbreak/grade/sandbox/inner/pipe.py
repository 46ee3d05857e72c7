"""The child's ends of the two pipes to the grader."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from symbreak.grade.sandbox import wire

_read, _write = os.read, os.write


class Pipe:
    """Requests come in, replies go out."""

    def __init__(self, request_fd: int, reply_fd: int) -> None:
        self._request_fd = request_fd
        self._reply_fd = reply_fd

    def receive(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the next request's fields and values; raise EOFError when the grader is done."""
        header, arrays = wire.HEAD.unpack(self._exactly(wire.HEAD.size))
        return wire.unpack(self._exactly(header), self._exactly(arrays))

    def send(
        self,
        fields: Mapping[str, Any],
        trees: Mapping[str, Any] | None = None,
        *,
        room: int = 0,
    ) -> None:
        """Send a reply; raise `wire.TooLarge` if it does not fit, and then send nothing."""
        left = memoryview(wire.pack(fields, trees or {}, room=room))
        while left:
            left = left[_write(self._reply_fd, left) :]

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = _read(self._request_fd, min(count, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
