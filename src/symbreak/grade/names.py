"""The functions of the week, by the names that learners know."""

from __future__ import annotations

FUNCTIONS = (
    "layer_sizes",
    "initialize_parameters",
    "forward_propagation",
    "compute_cost",
    "backward_propagation",
    "update_parameters",
    "nn_model",
    "predict",
)
VARIANTS = (
    "initialize_parameters_zeros",
    "initialize_parameters_random",
    "initialize_parameters_he",
    "initialize_parameters_deep",
)
KNOWN = FUNCTIONS + VARIANTS

CELL = "%% cell"
"""Behind "# ", and before its number: where a cell of a notebook begins that was made a script."""

TRANSPARENT_MAGICS = ("time", "timeit", "capture", "prun", "memit", "python", "python3", "px")
"""Cell magics that only watch or quieten the Python below them; under all others there is no Python."""
