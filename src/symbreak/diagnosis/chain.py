"""A model that is a plain chain of linear layers and activations, as the network that the exact proof reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symbreak.diagnosis.observation import Observation, Operation
from symbreak.diagnosis.reach import contradicted, felt
from symbreak.diagnosis.symmetry import Symmetry
from symbreak.diagnosis.wires import Wires
from symbreak.errors import SymbreakError
from symbreak.network import Network
from symbreak.numerics import activations

# Operations that keep every row's numbers and their order along the last axis.
KEEPING = frozenset(("view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "clone", "alias", "detach"))


@dataclass(frozen=True, eq=False)
class Chain:
    """The network, and the names of its parameters: (weight, bias or None) of each layer."""

    network: Network
    names: tuple[tuple[str, str | None], ...]

    def name(self, text: str) -> str | None:
        """Return the model's name for "W1", "b1", ..."""
        weight, bias = self.names[int(text[1:]) - 1]
        return weight if text[0] == "W" else bias


def chain(wires: Wires) -> Chain | None:
    """Return the chain, or None if the model is something else or has activations that are not in the house."""
    linear = _walk(wires)
    if linear is None:
        return None
    layers, activation = linear
    names = tuple((op.weight.parameter, op.bias) for op in layers if op.weight is not None)
    used = [name for pair in names for name in pair if name is not None]
    observation = wires.observation
    several = len(set(used)) < len(used) or any(len(observation.parameter(name).names) > 1 for name in used)
    if several or set(used) & set(observation.unused):
        return None
    weights = [observation.parameter(weight).values() for weight, _ in names]
    biases = [
        observation.parameter(bias).values() if bias else np.zeros(len(weight), weight.dtype)
        for (_, bias), weight in zip(names, weights, strict=True)
    ]
    try:
        return Chain(Network.from_arrays(weights, biases, activation=activation), names)
    except SymbreakError:
        return None


def contradicted_by_gradients(found: Chain, proof: Symmetry, observation: Observation) -> bool:
    """Tell whether units that the proof calls one have gradients on the batch that part them, or what stays moves."""
    moving = {found.name(text) for text in proof.moving}
    if any(felt(observation, name) for pair in found.names for name in pair if name is not None and name not in moving):
        return True
    for layer in proof.layers:
        tied = [c for c in layer.classes if len(c.units) > 1 and not c.dead and c.status == "proved"]
        groups = [c.units for c in tied]
        (weight, bias), (after, _) = found.names[layer.index - 1], found.names[layer.index]
        slices = [(weight, 0), (after, 1)] + ([(bias, 0)] if bias else [])
        if any(contradicted(observation, name, axis, groups) for name, axis in slices):
            return True
    return False


def _walk(wires: Wires) -> tuple[list[Operation], str] | None:
    """Follow the only path from the input: linear layers, between them one and the same activation."""
    operations = wires.operations
    loss = wires.observation.loss
    place = loss.output if loss is not None and loss.output is not None else None
    if place is None:
        place = max((op.index for op in wires.weighted), default=None)
    end = place
    layers: list[Operation] = []
    between: list[str] = []
    while place is not None and operations[place].kind != "input":
        operation = operations[place]
        if place != end and wires.count_readers(operation) != 1:
            return None  # something else reads it: the loss, another branch, a write
        if operation.kind == "linear" and _plain(operation):
            layers.insert(0, operation)
            between.insert(0, "")
        elif operation.kind == "activation" and between and between[0] == "":
            between[0] = operation.name
        elif operation.kind != "shape" or operation.name not in KEEPING:
            return None
        place = operation.inputs[0] if len(operation.inputs) == 1 else None
        if place is None:
            return None
    names = set(between[1:])
    if not layers or between[0] != "" or len(names) > 1 or not _known(names) or len(layers) != len(wires.weighted):
        return None
    return layers, names.pop() if names else "identity"


def _plain(operation: Operation) -> bool:
    weight = operation.weight
    whole = weight is not None and (weight.out_axis, weight.in_axis) == (0, 1) and len(operation.parameters) <= 2
    return whole and not operation.attributes.get("computed")


def _known(names: set[str]) -> bool:
    try:
        return all(activations.get(name) is not None for name in names)
    except SymbreakError:
        return False
