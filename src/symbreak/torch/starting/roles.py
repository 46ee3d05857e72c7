"""What each parameter of a model is, from its module's kind and, where it was seen, from the wiring."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from symbreak.diagnosis.observation import Observation, Operation
from symbreak.initializers import fans
from symbreak.torch.starting.graph import Branch, Graph, Reading
from symbreak.torch.starting.names import named
from symbreak.torch.starting.pairs import Pairing, pairings

GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3, "RNN": 1, "RNNCell": 1}
NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
CONVOLUTIONS = nn.modules.conv._ConvNd


@dataclass(frozen=True)
class Role:
    """What a parameter does.

    Attributes:
        name, names: normalised first name, and all names in the model.
        tensor: the parameter itself.
        kind: "weight", "embedding", "recurrent", "bias", "norm gain", "norm shift", "scale", "table", "directions",
            "lengths" (of a weight norm), "computed", "unused", "unknown".
        layer: the module's class.
        path: of the module.
        fan_in, fan_out: true ones; (0, 0) where it has none.
        rows: of the matrix that maps inputs to outputs, for an orthogonal start; 0 where it is none.
        parts: how many weights lie side by side along `axis`.
        groups, transposed: of a convolution.
        share: of the taps of a convolution that do not fall on padding.
        uses: how many operations read it.
        reading: what it reads.
        functions: modules in which what it reads was computed.
        head: nothing with weights comes after it.
        branch: the residual branch that it is in; `closes` if it is read last there.
        stretch: how many weights follow one another around it without normalization or shortcut.
        tied_output: an embedding that is the output's weight as well.
        normed: a normalization reads what it gives.
        follower: the activation that reads what it gives.
        padding: the row of an embedding that stands for padding.
        own_bias: a bias that the model set to values of its own.
        attended: as what attention reads what it gives: "query", "key", "value".
        gated: what it gives is multiplied by the activated result of another weight.
        pairing: how it can take part in pairs of opposite sign.
        summed: how many embeddings are added to what it gives, itself included.
        rescaled: by which number what an embedding gives is multiplied.
    """

    name: str
    names: tuple[str, ...]
    tensor: Tensor
    kind: str
    layer: str = ""
    path: str = ""
    fan_in: int = 0
    fan_out: int = 0
    rows: int = 0
    parts: int = 1
    axis: int = 0
    groups: int = 1
    transposed: bool = False
    share: float = 1.0
    uses: int = 0
    reading: Reading | None = None
    functions: tuple[nn.Module, ...] = ()
    head: bool = False
    branch: Branch | None = None
    closes: bool = False
    stretch: int = 1
    tied_output: bool = False
    normed: bool = False
    follower: str = ""
    padding: int | None = None
    own_bias: bool = False
    attended: frozenset[str] = frozenset()
    gated: bool = False
    pairing: Pairing | None = None
    summed: int = 1
    rescaled: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(self.tensor.shape)

    @property
    def part(self) -> str:
        """Its name in the module."""
        return self.names[0].rpartition(".")[2]


def roles(model: nn.Module, observation: Observation | None) -> tuple[Role, ...]:
    """Return the role of every parameter, in the model's order."""
    modules = dict(model.named_modules())
    own = dict(model.named_parameters(remove_duplicate=False))
    recurrent = {path for path, module in modules.items() if _gates(module)}
    graph = Graph(observation, lambda op: op.module in recurrent) if observation is not None else None
    paired = pairings(graph) if graph is not None else {}
    found = []
    for name, names in named(model).items():
        role = Role(name, names, own[names[0]], "unknown")
        role = _by_kind(role, modules)
        found.append(_by_wiring(role, graph, modules, paired) if graph is not None else role)
    if graph is None:
        found = [_in_sequence(role, modules) for role in found]
    return tuple(found)


def _by_kind(role: Role, modules: dict[str, nn.Module]) -> Role:
    """Tell a parameter by the class of its module."""
    path, _, part = role.names[0].rpartition(".")
    module = modules[path]
    if "parametrizations" in path.split("."):
        return _parametrized(role, modules)
    role = replace(role, layer=type(module).__name__, path=path)
    if hasattr(module, f"{part.removesuffix('_g').removesuffix('_v')}_g") and part.endswith(("_g", "_v")):
        return replace(role, kind="computed", layer="weight_norm")
    if part.endswith("_orig") and hasattr(module, part.removesuffix("_orig")):
        return replace(role, kind="computed", layer="spectral_norm or pruning")
    if _gates(module):
        return _recurrent(role, module)
    if any(norm in role.layer for norm in NORMS) and part in ("weight", "bias"):
        return replace(role, kind="norm gain" if part == "weight" else "norm shift")
    return _of_layer(role, module, part)


def _of_layer(role: Role, module: nn.Module, part: str) -> Role:
    if isinstance(module, nn.MultiheadAttention) and part == "in_proj_weight":
        return replace(_matrix(role, "weight"), parts=3, fan_out=role.shape[0] // 3, rows=role.shape[0] // 3)
    if part in ("weight", "q_proj_weight", "k_proj_weight", "v_proj_weight") and len(role.shape) >= 2:
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            return replace(
                role, kind="embedding", fan_in=1, fan_out=role.shape[1], padding=getattr(module, "padding_idx", None)
            )
        if isinstance(module, CONVOLUTIONS):
            return _convolution(role, module)
        if isinstance(module, (nn.Linear, nn.MultiheadAttention)) or role.layer == "Linear":
            return _matrix(role, "weight")
        if isinstance(module, nn.Bilinear):
            return replace(role, kind="weight", fan_in=math.prod(role.shape[1:]), fan_out=role.shape[0])
        if role.layer == "Conv1D" and len(role.shape) == 2:  # of transformers: stored as (in, out)
            return replace(role, kind="weight", fan_in=role.shape[0], fan_out=role.shape[1], rows=role.shape[1])
    layers = (nn.Linear, nn.Bilinear, nn.MultiheadAttention, CONVOLUTIONS)
    known = isinstance(module, layers) or role.layer == "Conv1D"
    if known and part in ("bias", "in_proj_bias") and len(role.shape) == 1:
        return replace(role, kind="bias")
    return role


def _matrix(role: Role, kind: str) -> Role:
    rows, columns = role.shape
    return replace(role, kind=kind, fan_in=columns, fan_out=rows, rows=rows)


def _convolution(role: Role, module: Any) -> Role:
    found = fans(role.shape, groups=module.groups, transposed=module.transposed)
    return replace(
        role,
        kind="weight",
        fan_in=found.fan_in,
        fan_out=found.fan_out,
        rows=0 if module.transposed or module.groups > 1 else role.shape[0],
        groups=module.groups,
        transposed=module.transposed,
    )


def _gates(module: nn.Module) -> int:
    if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        return next((gates for name, gates in GATES.items() if isinstance(module, getattr(nn, name))), 0)
    return 0


def _recurrent(role: Role, module: nn.Module) -> Role:
    gates, part = _gates(module), role.part
    if len(role.shape) == 1:
        return replace(role, kind="bias", parts=gates)
    if part.startswith("weight_hr"):
        return _matrix(role, "weight")
    size = role.shape[0] // gates
    kind = "recurrent" if part.startswith("weight_hh") else "weight"
    return replace(role, kind=kind, fan_in=role.shape[1], fan_out=size, rows=size, parts=gates)


def _parametrized(role: Role, modules: dict[str, nn.Module]) -> Role:
    """Tell the parts of a weight norm; other parametrizations are left to themselves."""
    before, _, after = role.names[0].partition("parametrizations.")
    owner: Any = modules[before.rstrip(".")]
    attribute, _, original = after.partition(".")
    chain: Any = owner.parametrizations[attribute] if parametrize.is_parametrized(owner, attribute) else ()
    kinds = [type(each).__name__ for each in chain]
    role = replace(role, path=before.rstrip("."), layer=type(owner).__name__, kind="computed")
    plain = isinstance(owner, (nn.Linear, CONVOLUTIONS)) and attribute == "weight"
    if kinds == ["_WeightNorm"] and plain and getattr(chain[0], "dim", None) == 0:
        whole = _of_layer(replace(role, tensor=chain.original1), owner, "weight")
        kind = "lengths" if original == "original0" else "directions"
        return replace(whole, tensor=role.tensor, kind=kind, rows=0)
    return replace(role, layer=" and ".join(kinds))


# With the wiring


def _by_wiring(role: Role, graph: Graph, modules: dict[str, nn.Module], paired: dict[int, Pairing]) -> Role:
    """Correct and complete a role by how the parameter was used."""
    uses = _uses(role, graph)
    if not uses:
        return _of_head(_without_use(role, graph), graph)
    if role.kind == "recurrent" or (role.kind == "bias" and role.parts > 1):
        return replace(role, uses=len(uses))
    products = [op for op in uses if op.kind != "embedding"]
    if role.kind == "unknown":
        role = _seen(role, uses)
    if role.kind == "embedding" or (len(products) < len(uses)):
        return _summed(
            replace(role, kind="embedding", uses=len(uses), fan_in=1, tied_output=bool(products)), uses, graph
        )
    if role.kind not in ("weight", "directions", "lengths"):
        return role
    return _placed(role, products, graph, modules, paired)


def _summed(role: Role, uses: list[Operation], graph: Graph) -> Role:
    """Say what is added to an embedding; if one of a sum is the output's weight, all are as small as that one."""
    group = next((group for group in graph.sums if group & set(role.names)), frozenset(role.names[:1]))
    products = any(op.kind != "embedding" for name in group for op in graph.uses.get(name, ()))
    looked_up = next(op for op in uses if op.kind == "embedding")
    return replace(role, summed=len(group), tied_output=products, rescaled=graph.rescaled(looked_up))


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
    usual = 1 / math.sqrt(heads[0].weight.fan_in) if heads[0].weight is not None else 1.0
    return replace(role, head=True, own_bias=_beyond(role.tensor, usual))


def _beyond(tensor: Tensor, bound: float) -> bool:
    """Tell whether some entry lies outside of where PyTorch's default puts biases: within +-1/sqrt(fan_in)."""
    return not tensor.is_meta and tensor.numel() > 0 and bool((tensor.detach().abs() > bound).any())


def _follows_weight(op: Operation, graph: Graph) -> bool:
    return any(source.kind in ("linear", "conv") for source in graph.wires.sources(op))


def _seen(role: Role, uses: list[Operation]) -> Role:
    """Take the fans of a parameter of an unknown module from the product that reads it."""
    op = uses[0]
    if op.kind == "embedding":
        return replace(role, kind="embedding", fan_in=1, fan_out=role.shape[-1])
    weight = op.weight
    if weight is None or op.kind == "recurrent" or op.attributes.get("computed"):
        return role
    axes = (weight.out_axis, weight.in_axis)
    rows = weight.fan_out if len(role.shape) == 2 and None not in axes else 0
    stacked = role.shape[0] if len(role.shape) == 3 and op.kind == "linear" and 0 not in axes else 1
    return replace(role, kind="weight", fan_in=weight.fan_in, fan_out=weight.fan_out, rows=rows, parts=stacked,
                   groups=weight.groups, transposed=weight.transposed)  # fmt: skip


def _placed(
    role: Role, uses: list[Operation], graph: Graph, modules: dict[str, nn.Module], paired: dict[int, Pairing]
) -> Role:
    """Say where in the network a weight stands."""
    op = uses[0]
    module = modules.get(role.path)
    if op.weight is not None and not _gates(module or nn.Identity()):
        role = _with_fans(role, [use.weight for use in uses if use.weight is not None])
    if module is not None and isinstance(module, CONVOLUTIONS):
        role = replace(role, share=tap_share(module, graph.operations[op.inputs[0]].shape if op.inputs else ()))
    reading = graph.reading(op)
    branch = next((b for b in reversed(graph.branches) if b.inside >> op.index & 1 and op.index in b.closing), None)
    around = branch or next((b for b in graph.branches if b.inside >> op.index & 1), None)
    return replace(
        role,
        uses=len(uses),
        reading=reading,
        functions=tuple(modules[path] for path in reading.modules),
        head=all(use.index in graph.wires.outputs for use in uses),
        branch=around,
        closes=branch is not None,
        stretch=max(graph.stretches.get(use.index, 1) for use in uses),
        follower=next((r.name for r in graph.wires.readers(op) if r.kind == "activation"), ""),
        normed=all(graph.wires.followed_by(use, "norm") for use in uses),
        parts=max(role.parts, _split(op, graph)),
        attended=graph.attended(op),
        gated=graph.is_gated(op),
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
    """Return into how many parts a product is cut before anything else reads it."""
    pending = [r for r in graph.operations if op.index in r.inputs]
    while len(pending) == 1 and pending[0].kind == "shape":
        reader = pending[0]
        if reader.name in ("split", "unsafe_split", "split_with_sizes", "unbind", "chunk"):
            count = sum(reader.index in later.inputs for later in graph.operations)
            return max(count, 1) if reader.name != "unbind" else 1
        pending = [r for r in graph.operations if reader.index in r.inputs]
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


# Without the wiring


def _in_sequence(role: Role, modules: dict[str, nn.Module]) -> Role:
    """Take the activation before a layer of an `nn.Sequential` from its neighbours there."""
    parent, _, place = role.path.rpartition(".")
    container = modules.get(parent)
    if role.kind != "weight" or not isinstance(container, nn.Sequential) or not place.isdigit():
        return role
    for before in reversed(list(container)[: int(place)]):
        if any(True for _ in before.parameters()):
            return role
        if type(before).__module__.startswith("torch.nn.modules.activation"):
            return replace(role, functions=(before,))
    return role


def constant_value(tensor: Tensor) -> float | None:
    """Return the one value that a tensor holds everywhere; None if it holds several, or none are in memory."""
    if tensor.is_meta or not tensor.numel() or not isinstance(tensor, Tensor):
        return None
    with torch.no_grad():
        first = tensor.detach().reshape(-1)[0]
        return float(first) if bool((tensor.detach() == first).all()) else None


def blocks(size: int, index: int) -> Iterator[int]:
    """Yield the sizes of the parts before, at and after an index that are not empty."""
    yield from (n for n in (index, 1, size - index - 1) if n)
