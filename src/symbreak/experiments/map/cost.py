"""What a map will cost, from a measured sample of its networks."""

from __future__ import annotations

import time
from dataclasses import dataclass

from symbreak.datasets import Dataset
from symbreak.experiments import prepare
from symbreak.experiments.map.grid import grid
from symbreak.experiments.map.running import Job, train_chunk
from symbreak.experiments.map.settings import MapSettings

# Seconds that are spent on the sample: long beside the milliseconds that a clock of processor time may err.
SAMPLE = 5.0
# Chunks of the sample at least: networks that diverge cost less than others, so one place says little.
PLACES = 16
# Chunks before the sample, from all over the map: where networks diverge at once, not all that is needed is loaded.
WARM = 4


@dataclass(frozen=True)
class Cost:
    """What was measured, on one core.

    Attributes:
        networks: of the map.
        updates: of each network.
        sampled: networks that were trained.
        seconds: the processor time that they took.
    """

    networks: int
    updates: int
    sampled: int
    seconds: float

    @property
    def per_network(self) -> float:
        """Seconds of one core for one network."""
        return self.seconds / self.sampled

    def total(self, cores: int) -> float:
        """Return the predicted seconds on so many cores, all of them alike and busy to the end."""
        return self.per_network * self.networks / cores


def sample(settings: MapSettings, *, data: Dataset | None = None, seconds: float = SAMPLE) -> Cost:
    """Train some networks from all over the map, for about `seconds`, and tell what they cost.

    >>> cost = sample(MapSettings(size=(16, 16), iterations=10), seconds=0.01)
    >>> cost.networks, cost.total(2) == cost.total(1) / 2
    (256, True)
    """
    problem = prepare(settings.compared, data)[0]
    job = Job(settings, problem)
    train = problem.train
    # Small tiles: more places for the same time.
    cut = grid(settings, settings.batch_size or train.samples, (train.n_x, train.n_y))
    cut = type(cut)(cut.shape, (min(4, cut.tile[0]), min(4, cut.tile[1])))
    order = list(cut.scattered())
    for index in order[:WARM]:  # what is compiled or loaded once is not the networks' cost
        train_chunk(job, cut.chunk(index))
    sampled, spent = 0, 0.0
    for count, index in enumerate(order):
        if count >= PLACES and spent >= seconds:
            break
        chunk = cut.chunk(index)
        start = time.thread_time()
        train_chunk(job, chunk)
        spent += time.thread_time() - start
        sampled += chunk.networks
    return Cost(cut.shape[0] * cut.shape[1], settings.iterations, sampled, spent)
