"""What each parameter of a model is: by its module's kind, and by how it was used where that was seen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from symbreak.diagnosis.observation import Observation, Operation
from symbreak.torch.starting.graph import Graph
from symbreak.torch.starting.kinds import CONVOLUTIONS, by_kind, gates_of, in_sequence
from symbreak.torch.starting.names import named
from symbreak.torch.starting.pairs import Pairing, pairings
from symbreak.torch.starting.reading import (
    GATES,
    attended,
    branch_around,
    is_gated,
    is_recurrent,
    moves_logits,
    opens_gate,
    rescaled,
    sharpness,
    starts_at_zero,
    stretched,
    sums,
)
from symbreak.torch.starting.role import Role, constant_value

# exp(-16) is below the last bit of a float32 number near 1: a gate that is shut, or open, so far is so for ever.
GATE_REACH = 16.0
# As many inputs as a place and a time have: without biases all units would bend along lines through the origin. Of more
# inputs the data is cut in enough ways by the directions alone.
FEW = 4
# Their phases are set by recipes of their own.
PERIODIC = ("sin", "cos")


def roles(model: nn.Module, observation: Observation | None) -> tuple[Role, ...]:
    """Return the role of every parameter, in the model's order."""
    modules = dict(model.named_modules())
    own = dict(model.named_parameters(remove_duplicate=False))
    recurrent = {path for path, module in modules.items() if gates_of(module)}
    graph = Graph(observation, lambda op: op.module in recurrent) if observation is not None else None
    paired = pairings(graph) if graph is not None else {}
    found = []
    for name, names in named(model).items():
        role = Role(name, names, own[names[0]], "unknown")
        role = by_kind(role, modules)
        found.append(_by_wiring(role, graph, modules, paired) if graph is not None else role)
    if graph is None:
        found = [in_sequence(role, modules) for role in found]
    return tuple(found)


def _by_wiring(role: Role, graph: Graph, modules: dict[str, nn.Module], paired: dict[int, Pairing]) -> Role:
    """Correct and complete a role by how the parameter was used."""
    uses = _uses(role, graph)
    if not uses:
        return _of_coordinates(_of_gate(_of_head(_without_use(role, graph), graph), graph), graph)
    if role.kind == "recurrent" or (role.kind == "bias" and role.parts > 1):
        return replace(role, uses=len(uses))
    products = [op for op in uses if op.kind != "embedding"]
    if role.kind == "unknown":
        role = _seen(role, uses)
    if role.kind == "bias":
        return role
    if role.kind == "embedding" or (len(products) < len(uses)):
        return _summed(
            replace(role, kind="embedding", uses=len(uses), fan_in=1, tied_output=bool(products)), uses, graph
        )
    if role.kind not in ("weight", "directions", "lengths"):
        return role
    return _placed(role, products, graph, modules, paired)


def _summed(role: Role, uses: list[Operation], graph: Graph) -> Role:
    """Say what is added to an embedding; if one of a sum is the output's weight, all are as small as that one."""
    group = next((group for group in sums(graph) if group & set(role.names)), frozenset(role.names[:1]))
    products = [op for name in group for op in graph.uses.get(name, ()) if op.kind != "embedding"]
    looked_up = next(op for op in uses if op.kind == "embedding")
    zero = constant_value(role.tensor) == 0 and not products and all(starts_at_zero(graph, use) for use in uses)
    return replace(
        role,
        summed=len(group),
        tied_output=bool(products),
        rescaled=_factor(products, graph) if products else rescaled(graph, looked_up),
        zero=zero,
        of_logits=moves_logits(graph, role.names),
    )


def _factor(products: list[Operation], graph: Graph) -> float:
    """Return by which number that is multiplied which the output reads."""
    return graph.factor(products[0].inputs[0]) if products[0].inputs else 1.0


def _uses(role: Role, graph: Graph) -> list[Operation]:
    if role.kind in ("directions", "lengths"):
        siblings = (f"{role.names[0].rpartition('.')[0]}.original{place}" for place in (1, 0))
        return next((graph.uses[name] for name in siblings if name in graph.uses), [])
    return [op for name in role.names for op in graph.uses.get(name, [])]


def _without_use(role: Role, graph: Graph) -> Role:
    """Tell what is no operation's weight: biases, scales, tables, and what the loss does not depend on."""
    if role.kind != "unknown":
        return role
    readers = [op for op in graph.operations if set(role.names) & set(op.parameters) or op.bias in role.names]
    if not readers:
        return replace(role, kind="unused")
    first = readers[0]
    if first.kind in ("linear", "conv") and len(role.shape) == 1:
        return replace(role, kind="bias")
    if first.kind == "norm":
        return role
    if first.kind == "add" and any(shape[-1:] == role.shape[-1:] for shape in first.attributes.get("operands", ())):
        return replace(role, kind="bias" if len(role.shape) == 1 and _follows_weight(first, graph) else "table")
    return replace(role, kind="scale") if first.kind == "multiply" else role


def _of_head(role: Role, graph: Graph) -> Role:
    """Tell the bias of an output, and whether the model gave it values of its own."""
    if role.kind != "bias":
        return role
    added = [op for op in graph.operations if op.bias in role.names]
    heads = [
        source
        for op in added
        for source in ([op] if op.weight is not None else graph.wires.sources(op))
        if source.index in graph.wires.outputs and source.weight is not None
    ]
    if not heads:
        return role
    return replace(role, head=True, own_bias=_beyond(role.tensor, _usual(heads[0])))


def _of_gate(role: Role, graph: Graph) -> Role:
    """Tell the bias of a gate that the model set: how long a state is kept, how far a highway is open."""
    if role.kind != "bias" or role.head or not opens_gate(graph, role.names):
        return role
    products = [op for op in graph.operations if op.bias in role.names and op.weight is not None]
    own = constant_value(role.tensor) or _beyond(role.tensor, _usual(products[0]) if products else 1.0)
    return replace(role, own_bias=bool(own) and not _beyond(role.tensor, GATE_REACH))


def _of_coordinates(role: Role, graph: Graph) -> Role:
    """Tell the bias of a layer that reads few inputs, such as coordinates, and gives them to an activation."""
    products = [op for op in graph.operations if op.bias in role.names and op.kind == "linear" and op.weight]
    if role.kind != "bias" or role.own_bias or len(products) != 1:
        return role
    op = products[0]
    follower = next((r.name for r in graph.wires.readers(op) if r.kind == "activation"), "")
    if op.weight is None or op.weight.fan_in > FEW or follower in ("", *PERIODIC):
        return role
    if follower in GATES and graph.reading(op).rms is None:
        return role
    stretch = graph.stretches.get(op.index, 1)
    return replace(role, coordinates=op.weight.fan_in, follower=follower, stretch=stretch)


def _usual(op: Operation) -> float:
    """Return the bound within which PyTorch draws a layer's bias: by its own fan_in, the weight's size(1) and taps."""
    if op.weight is None:
        return 1.0
    read = op.weight.fan_out if op.weight.transposed else op.weight.fan_in
    return 1 / math.sqrt(max(read, 1))


def _beyond(tensor: Tensor, bound: float) -> bool:
    """Tell whether some entry lies outside of where PyTorch's default puts biases: within +-1/sqrt(fan_in)."""
    return not tensor.is_meta and tensor.numel() > 0 and bool((tensor.detach().abs() > bound).any())


def _follows_weight(op: Operation, graph: Graph) -> bool:
    return any(source.kind in ("linear", "conv") for source in graph.wires.sources(op))


def _seen(role: Role, uses: list[Operation]) -> Role:
    """Take the fans of a parameter of an unknown module from the product that reads it."""
    op = uses[0]
    if op.kind == "embedding" and role.part.endswith("bias"):
        return replace(role, kind="bias")  # each expert's own, looked up for each token
    if op.kind == "embedding":
        return replace(role, kind="embedding", fan_in=1, fan_out=role.shape[-1])
    weight = op.weight
    if weight is None or op.kind == "recurrent" or op.attributes.get("computed"):
        return role
    axes = (weight.out_axis, weight.in_axis)
    rows = weight.fan_out if len(role.shape) == 2 and None not in axes else 0
    whole = weight.fan_in * weight.fan_out == role.tensor.numel()  # in one product, whose inputs may be merged axes
    is_stack = (
        len(role.shape) == 3 and op.kind == "linear" and 0 not in axes and (weight.in_axis is not None or not whole)
    )
    stacked = role.shape[0] if is_stack else 1
    merged = stacked if whole else 1
    return replace(role, kind="weight", fan_in=weight.fan_in, fan_out=weight.fan_out // merged, rows=rows,
                   parts=stacked, groups=weight.groups, transposed=weight.transposed)  # fmt: skip


def _placed(
    role: Role, uses: list[Operation], graph: Graph, modules: dict[str, nn.Module], paired: dict[int, Pairing]
) -> Role:
    """Say where in the network a weight stands."""
    op = uses[0]
    module = modules.get(role.path)
    if op.weight is not None and not gates_of(module or nn.Identity()):
        role = _with_fans(role, [use.weight for use in uses if use.weight is not None])
    if module is not None and isinstance(module, CONVOLUTIONS):
        role = replace(role, share=tap_share(module, graph.operations[op.inputs[0]].shape if op.inputs else ()))
    readings = [graph.reading(use) for use in uses]
    reading = max(readings, key=readings.count)
    branch = next((b for b in reversed(graph.branches) if b.inside >> op.index & 1 and op.index in b.closing), None)
    around = branch or branch_around(graph, op)
    sound = (branch is not None and not branch.closed) or all(starts_at_zero(graph, use) for use in uses)
    parts = max(role.parts, _split(op, graph))
    if around is None and role.shape == (parts * role.fan_in, role.fan_in) and is_recurrent(graph, op):
        return replace(role, kind="recurrent", uses=len(uses), parts=parts, rows=role.fan_in)
    return replace(
        role,
        uses=len(uses),
        reading=reading,
        functions=tuple(modules[path] for path in reading.modules),
        head=all(use.index in graph.wires.outputs for use in uses),
        branch=around,
        closes=branch is not None,
        zero=sound and constant_value(role.tensor) == 0,
        stretch=max(graph.stretches.get(use.index, 1) for use in uses),
        follower=next((r.name for r in graph.wires.readers(op) if r.kind == "activation"), ""),
        stretched=stretched(graph, op),
        normed=all(graph.wires.followed_by(use, "norm") for use in uses),
        parts=parts,
        attended=attended(graph, op),
        sharpness=sharpness(graph, op),
        gated=is_gated(graph, op),
        pairing=paired.get(op.index),
    )


def _with_fans(role: Role, weights: list[Any]) -> Role:
    """Take the fans as they were seen; of a weight that is used both ways, their mean."""
    fan_in = round(sum(weight.fan_in for weight in weights) / len(weights))
    if role.parts > 1:
        return replace(role, fan_in=fan_in)
    fan_out = round(sum(weight.fan_out for weight in weights) / len(weights))
    return replace(role, fan_in=fan_in, fan_out=fan_out)


def _split(op: Operation, graph: Graph) -> int:
    """Return into how many parts the units of a product are cut before anything else reads it; not parts of heads."""
    pending = graph.readers_of[op.index]
    while len(pending) == 1 and (reader := graph.operations[pending[0]]).kind in ("shape", "add"):
        if reader.name in ("split", "unsafe_split", "split_with_sizes"):
            whole = op.shape[op.unit_axis or 0] in reader.attributes["operands"][0]
            return int(reader.attributes.get("outputs", 1)) if whole else 1
        pending = graph.readers_of[reader.index]
    return 1


def tap_share(module: Any, size: tuple[int, ...]) -> float:
    """Return which share of a convolution's products reads the input and not the zeros around it.

    >>> round(tap_share(nn.Conv2d(1, 1, 3, padding=1), (1, 1, 8, 8)), 4)
    0.8403
    """
    spatial = size[-len(module.kernel_size) :]
    if module.transposed or module.padding_mode != "zeros" or len(size) <= len(module.kernel_size):
        return 1.0
    if isinstance(module.padding, str):
        wanted = [d * (k - 1) // 2 if module.padding == "same" else 0
                  for d, k in zip(module.dilation, module.kernel_size, strict=True)]  # fmt: skip
    else:
        wanted = list(module.padding)
    shares = []
    for n, k, stride, pad, gap in zip(spatial, module.kernel_size, module.stride, wanted, module.dilation, strict=True):
        starts = np.arange(0, n + 2 * pad - gap * (k - 1), stride) - pad
        places = starts[:, None] + gap * np.arange(k)
        shares.append(float(((places >= 0) & (places < n)).mean()) if places.size else 1.0)
    return math.prod(shares) or 1.0
