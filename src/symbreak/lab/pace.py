"""How many steps to train next: as many as the asked speed makes due, in pieces that end soon."""

from __future__ import annotations

import math
import time

# Seconds that a piece of training should take: a wish and a frame wait no longer. Five fit between two frames.
PIECE = 0.005
# A machine that cannot keep up forgets what it owes beyond this many seconds.
MOST_OWED = 0.25
# Seconds over which the measured speed is averaged.
AVERAGED = 1.0


class Pace:
    """Steps a second, asked for and measured.

    >>> pace = Pace(100)
    >>> pace.play(0, None)
    >>> pace.due(0)
    16
    """

    NAP = 1 / 120

    def __init__(self, speed: int | None = 200) -> None:
        self.speed = speed
        self.playing = False
        self.measured: float | None = None
        # Until the first piece is timed nothing is known of the machine.
        self._seconds_per_step = PIECE / 16
        self._since, self._from = time.perf_counter(), 0
        self._window: tuple[float, int] = (time.perf_counter(), 0)

    def play(self, t: int, speed: int | None) -> None:
        """Go on from step t at this speed, None for as fast as it goes."""
        self.speed, self.playing = speed, True
        self.restart(t)

    def restart(self, t: int) -> None:
        """Count what is due from now and from step t on."""
        self._since, self._from = time.perf_counter(), t
        self._window = (self._since, 0)

    def piece(self, most: int) -> int:
        """Return how many steps fit into a piece, at least one and at most so many."""
        return max(1, min(most, math.floor(PIECE / self._seconds_per_step)))

    def due(self, t: int) -> int:
        """Return how many steps to train now, t being where the race stands: 0 if it is too early."""
        if self.speed is None:
            return self.piece(2**30)
        now = time.perf_counter()
        owed = math.floor((now - self._since) * self.speed) - (t - self._from)
        if owed > max(1.0, MOST_OWED * self.speed):
            self._since, self._from = now, t
            owed = 1
        return self.piece(owed) if owed > 0 else 0

    def took(self, steps: int, seconds: float) -> None:
        """Learn from a piece how fast the machine is."""
        # Half the weight to the newest: a busy machine is noticed within a few pieces.
        self._seconds_per_step = 0.5 * self._seconds_per_step + 0.5 * seconds / steps
        begun, done = self._window
        now = time.perf_counter()
        self._window = (begun, done + steps)
        if now - begun >= AVERAGED:
            self.measured = (done + steps) / (now - begun)
            self._window = (now, 0)
