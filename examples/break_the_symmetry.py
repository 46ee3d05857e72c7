"""The lesson in one page: tied units stay tied, random ones part."""

import numpy as np

from symbreak import Network, datasets
from symbreak.network import descend

data = datasets.load("planar")

for init in ("constant(0.5)", "normal(0.01)"):
    network = Network.initialize((2, 4, 1), init, seed=0, activation="tanh")
    for step in descend(network, data.X, data.Y, iterations=1000, learning_rate=1.2, arithmetic="unitwise"):
        if step.iteration in (0, 1, 10, 100, 1000):
            rows = step.network.weights[0]
            print(
                f"{init:<14} iteration {step.iteration:>4}  cost {step.cost:.4f}"
                f"  largest difference between two units' weights {np.ptp(rows, axis=0).max():.3g}"
            )
