"""Cost curves of a race: a bounded number of points, further apart the longer it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

# Points of a curve: as many as a wide screen shows.
MOST_POINTS = 512

Rows = Mapping[int, list[float]]


class Curves:
    """What the networks cost at some steps, and what the merged ones beside them do (nan where none runs).

    >>> curves = Curves()
    >>> curves.add({0: [0.7], 1: [0.6]}, {0: [0.7], 1: [0.6]})
    >>> curves.forget(1)
    >>> curves.costs
    {0: [0.7]}
    """

    def __init__(self) -> None:
        self.stride = 1
        self.costs: dict[int, list[float]] = {}
        self.merged: dict[int, list[float]] = {}

    def marks(self, first: int, last: int) -> range:
        """Return the steps from first to last that belong on the curves."""
        return range(-(-first // self.stride) * self.stride, last + 1, self.stride)

    def add(self, costs: Rows, merged: Rows) -> None:
        """Add points; those that are there already stay."""
        for t, row in costs.items():
            if t not in self.costs:
                self.costs[t], self.merged[t] = row, merged[t]

    def drop(self, t: int) -> None:
        """Take the point of step t out: what happens there changes what it tells."""
        self.costs.pop(t, None)
        self.merged.pop(t, None)

    def forget(self, t: int) -> None:
        """Forget what came at step t and later."""
        self._keep(lambda at: at < t)

    def stand(self, t: int, now: Callable[[], tuple[list[float], list[float]]]) -> None:
        """Add the point of step t if it belongs on the curves and is not there; keep no more than so many points."""
        if t % self.stride == 0 and t not in self.costs:
            self.costs[t], self.merged[t] = now()
        while len(self.costs) > MOST_POINTS:
            self.stride *= 2
            self._keep(lambda at: at % self.stride == 0)

    def _keep(self, wanted: Callable[[int], bool]) -> None:
        self.costs = {t: row for t, row in self.costs.items() if wanted(t)}
        self.merged = {t: row for t, row in self.merged.items() if wanted(t)}
