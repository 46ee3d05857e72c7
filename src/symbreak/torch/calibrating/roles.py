"""What each weight is in its model, and with it which spread its results are to have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from symbreak.diagnosis.observation import Observation, Operation, Parameter
from symbreak.diagnosis.rules.rule import Context
from symbreak.diagnosis.rules.wrong_scale import expected_std
from symbreak.torch.calibrating.graph import Graph
from symbreak.torch.calibrating.uses import Use, Uses
from symbreak.torch.starting import gains
from symbreak.torch.starting import graph as starting
from symbreak.torch.starting.reading import sharpness, stretched

Place = Literal["hidden", "head", "branch", "recurrent", "left"]
# A normalization undoes the size of what it reads, unless its eps is felt beside the variance.
FELT_EPS = 10.0
# A weight this many times as large as its fans ask for makes up for what is faint on purpose (a table of features that
# starts near zero), or for what cannot be told apart; the rule on wrong scales speaks from 5 on.
LARGEST = 4.0
# Sizes are measured in single precision: factors that are nearer to 1 are rounding.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Role:
    """What a weight is to do.

    Attributes:
        place: "hidden": its results have the wanted spread; "branch": they are added to a stream, which they must not
            swell; "head": nothing comes after it; "recurrent": it reads what it made; "left": it is left alone.
        share: factor on the wanted spread, for its part in a sum.
        start: record whose result a branch is added to.
        room: by what the weight can be multiplied before it is too large for its fans.
        together: the weight is read several times, and can only be judged after a whole pass.
        reason: in words.
    """

    place: Place
    share: float
    start: int | None
    room: float
    together: bool
    reason: str


def roles(observation: Observation, graph: Graph, uses: Uses, records: Mapping[int, int]) -> dict[str, Role]:
    """Return the role of every weight, by its first name, in the order of the parameters.

    Args:
        observation: parameters and operations.
        graph: its wiring.
        uses: where weights are read.
        records: index of the record, by that of the operation.
    """
    found: dict[str, Role] = {}
    plain = starting.Graph(observation, lambda _: False)
    for parameter in observation.parameters:
        of = uses.of(parameter.name)
        left = _left(parameter, of, uses, graph)
        if left is not None:
            if left:
                found[parameter.name] = Role("left", 1.0, None, 1.0, len(of) > 1, left)
        else:
            role = _role(of, graph, records, _room(parameter, of, graph), uses.is_tied(parameter.name))
            found[parameter.name] = _multiplied(role, plain, plain.operations[of[0].operation])
    return found


def _multiplied(role: Role, graph: starting.Graph, operation: Operation) -> Role:
    """Want less of what is multiplied before its activation, or is a query whose logits nobody divides by sqrt(d)."""
    if role.place != "hidden":
        return role
    sharp, factor = sharpness(graph, operation), stretched(graph, operation)
    if sharp > 1 + ROUNDING:
        reason = f"query of attention whose logits are {sharp:.4g} times as large as it"
        return replace(role, share=role.share / sharp, reason=reason)
    if abs(factor - 1) <= ROUNDING:
        return role
    reader = next(r for r in graph.wires.readers(operation) if r.kind == "activation")
    if reader.name == "sin" and graph.reading(operation).rms is not None:
        return replace(role, place="left", reason="the first of sines: its frequencies are as they were chosen")
    reason = f"what it gives is multiplied by {factor:.4g} before {reader.name}"
    return replace(role, share=role.share / factor, reason=reason)


def _left(parameter: Parameter, of: tuple[Use, ...], uses: Uses, graph: Graph) -> str | None:
    """Return why a parameter is left alone; None if it is not, and nothing if it is no weight at all."""
    if not of:
        if parameter.name in uses.computed:
            return f"its layer computes the weight from {uses.computed[parameter.name]}"
        looked_up = any(use.parameter == parameter.name for use in uses.found)
        return "rows are looked up" if looked_up else ""
    if parameter.buffer or not parameter.trainable:
        return "frozen" if not parameter.buffer else "a buffer"
    if not parameter.floating:
        return "not of real numbers"
    if parameter.name in uses.others:
        return "read by other operations than products as well"
    if parameter.summary.zeros == parameter.summary.size:
        return "all zero: as it should be, or for another rule to tell; no factor changes it"
    operations = [graph.wires.operations[use.operation] for use in of]
    if all(graph.is_normalized(op) and not _eps_felt(graph, op) for op in operations):
        return "a normalization follows, which undoes any factor"
    return None


def _eps_felt(graph: Graph, operation: Operation) -> bool:
    eps = max(float(reader.attributes.get("eps") or 0) for reader in graph.wires.readers(operation))
    return operation.signal is not None and operation.signal.std**2 < FELT_EPS * eps


def _role(of: tuple[Use, ...], graph: Graph, records: Mapping[int, int], room: float, tied: bool) -> Role:
    indices = [use.operation for use in of]
    together = len(indices) > 1 or tied
    stream = graph.exits.get(indices[0])
    # A recurrent layer adds its weighted input to its weighted state; that is no stream, for the sum is not handed on.
    streams = stream is not None and (stream.branches > 1 or not graph.is_weighted(stream.start))
    if _reads_itself(indices, graph) and not streams:
        return Role(
            "recurrent", 1.0, None, room, True, "it reads what it made: the state is handed on as large as it came"
        )
    if stream is not None:
        several = f"one of {stream.branches} branches that a stream adds up: at most 1/sqrt({stream.branches}) of it"
        reason = several if stream.branches > 1 else "a branch that is added to a stream: at most as large as it"
        return Role("branch", stream.branches**-0.5, records[stream.start], room, together, reason)
    share = graph.shares.get(indices[0], 1.0)
    reason = "" if share == 1 else "its part in a sum of two"
    if all(index in graph.wires.outputs for index in indices):
        return Role("head", share, None, room, together, "nothing comes after it: small and moderate answers are left")
    operation = graph.wires.operations[indices[0]]
    name, depth = graph.activation_after(operation), graph.stretch(operation)
    critical = gains.critical(name, depth) if name else None
    if critical is not None and critical.square < 1:
        share *= critical.square**0.5
        reason = f"{depth} layers in a row with {name}: at the edge of chaos"
    return Role("hidden", share, None, room, together, reason)


def _reads_itself(indices: list[int], graph: Graph) -> bool:
    return any(graph.depends(later, earlier) for earlier in indices for later in indices if later > earlier)


def _room(parameter: Parameter, of: tuple[Use, ...], graph: Graph) -> float:
    """Return by what a weight may be multiplied; what reads the data itself has to fit its units, whatever they are."""
    operation = graph.wires.operations[of[0].operation]
    if any(source.kind == "input" for source in graph.wires.sources(operation)) or not parameter.summary.rms:
        return math.inf
    size = parameter.summary.rms
    if of[0].lengths and operation.weight is not None:
        size /= math.sqrt(operation.weight.fan_in)
    return LARGEST * expected_std(Context(graph.wires.observation), operation) / size
