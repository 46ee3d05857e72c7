"""One request and its reply, while output is drained and the clock is watched. Nothing here waits for the child."""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass, field
from typing import Any

from symbreak.grade.sandbox import wire
from symbreak.grade.sandbox.launch import Child
from symbreak.grade.sandbox.limits import Limits
from symbreak.grade.subject import Stop

# A program that prints this many times the limit in one call will not stop by itself.
FLOOD = 256
_CHUNK = 1 << 16
_ATTENTION = select.POLLIN | select.POLLHUP | select.POLLERR


@dataclass
class Captured:
    """The beginning of what was printed, and how much it was."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)
    total: int = 0

    def add(self, data: bytes) -> None:
        """Count all of it, keep what fits."""
        self.total += len(data)
        self.kept += data[: self.limit - len(self.kept)]


@dataclass
class Reply:
    """What came back: `stopped` says what ended the call before a whole frame had come."""

    stdout: Captured
    stderr: Captured
    fields: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    stopped: Stop | None = None
    seconds: float = 0.0


def exchange(child: Child, frame: bytes, limits: Limits, deadline: float) -> Reply:
    """Send `frame` and wait for one frame, until `deadline` on the clock of `time.monotonic`."""
    return _Exchange(child, frame, limits).run(deadline)


class _Exchange:
    def __init__(self, child: Child, frame: bytes, limits: Limits) -> None:
        self.child = child
        self.limits = limits
        self.unsent = memoryview(frame)
        self.received = bytearray()
        self.wanted: tuple[int, int] | None = None
        self.reply = Reply(Captured(limits.output_bytes), Captured(limits.output_bytes))
        self.outputs = {child.stdout: self.reply.stdout, child.stderr: self.reply.stderr}
        self.poll = select.poll()
        for fd in (child.replies, *self.outputs):
            self.poll.register(fd, select.POLLIN)
        self.poll.register(child.requests, select.POLLOUT)

    def run(self, deadline: float) -> Reply:
        """Exchange, then take what was printed before the reply."""
        begun = time.monotonic()
        self.reply.stopped = self._until(deadline)
        self.reply.seconds = time.monotonic() - begun
        for fd in list(self.outputs):
            self._drain(fd)
        if self.reply.stopped is None:
            self._unpack()
        return self.reply

    def _until(self, deadline: float) -> Stop | None:
        """Return None when the frame is whole, else what is in the way."""
        while (left := deadline - time.monotonic()) > 0:
            for fd, events in self.poll.poll(max(1, int(left * 1000))):
                if fd == self.child.requests:
                    self._send()
                elif fd == self.child.replies:
                    if not self._receive():
                        return "exit"
                elif not self._take(fd) and events & _ATTENTION:
                    self.poll.unregister(fd)
            if any(each.total > FLOOD * each.limit for each in self.outputs.values()):
                return "output"
            try:
                if self._whole():
                    return None
            except wire.WireError:
                return "protocol"
        return "time"

    def _send(self) -> None:
        try:
            self.unsent = self.unsent[os.write(self.child.requests, self.unsent[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.unsent = memoryview(b"")
        if not self.unsent:
            self.poll.unregister(self.child.requests)

    def _receive(self) -> bool:
        """Read a part of the frame, not more than it says it has; False at the end of the pipe."""
        goal = wire.HEAD.size + sum(self.wanted or (0, 0))
        data = _read(self.child.replies, min(_CHUNK, max(1, goal - len(self.received))))
        self.received += data or b""
        return data != b""

    def _whole(self) -> bool:
        if self.wanted is None and len(self.received) >= wire.HEAD.size:
            self.wanted = wire.lengths(bytes(self.received[: wire.HEAD.size]), room=self.limits.value_bytes)
        return self.wanted is not None and len(self.received) >= wire.HEAD.size + sum(self.wanted)

    def _take(self, fd: int) -> bool:
        data = _read(fd, _CHUNK)
        self.outputs[fd].add(data or b"")
        return data != b""

    def _drain(self, fd: int) -> None:
        """Take what is there, but not for ever: somebody may still be printing."""
        for _ in range(FLOOD):
            data = _read(fd, _CHUNK)
            self.outputs[fd].add(data or b"")
            if not data:
                return

    def _unpack(self) -> None:
        assert self.wanted is not None
        middle = wire.HEAD.size + self.wanted[0]
        content = memoryview(self.received)
        try:
            self.reply.fields, self.reply.values = wire.unpack(
                bytes(content[wire.HEAD.size : middle]), bytes(content[middle:])
            )
        except wire.WireError:
            self.reply.stopped = "protocol"


def _read(fd: int, count: int) -> bytes | None:
    """Return what is there, b"" at the end, None if there is nothing yet."""
    try:
        return os.read(fd, count)
    except BlockingIOError:
        return None
