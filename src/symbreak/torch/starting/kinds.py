"""What a parameter is by its module's kind alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from symbreak.initializers import fans
from symbreak.torch.starting.role import Role

GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3, "RNN": 1, "RNNCell": 1}
NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
CONVOLUTIONS = nn.modules.conv._ConvNd


def by_kind(role: Role, modules: dict[str, nn.Module]) -> Role:
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
    if gates_of(module):
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


def gates_of(module: nn.Module) -> int:
    """Return how many gates a recurrent layer has; 0 for other modules."""
    if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        return next((gates for name, gates in GATES.items() if isinstance(module, getattr(nn, name))), 0)
    return 0


def _recurrent(role: Role, module: nn.Module) -> Role:
    gates, part = gates_of(module), role.part
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


def in_sequence(role: Role, modules: dict[str, nn.Module]) -> Role:
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
