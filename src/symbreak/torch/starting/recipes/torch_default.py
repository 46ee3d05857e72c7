"""What the constructors of `torch.nn` do, as laws: PyTorch 2.13, `reset_parameters` of each layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from symbreak.torch.starting.auto import Context, Start, padded, uniform
from symbreak.torch.starting.recipes.common import rest
from symbreak.torch.starting.role import Role

RECURRENT = ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell")


def starts(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return U(+-1/sqrt(fan_in)) for linear and convolutional weights and their biases, N(0, 1) for embeddings.

    `kaiming_uniform_(a=sqrt(5))` is that, with the fan_in that PyTorch counts on the raw tensor: size(1) times the
    taps, also for transposed convolutions. Recurrent layers have U(+-1/sqrt(hidden)) throughout, packed attention
    Xavier's uniform law on the packed tensor, with biases 0.
    """
    owners = {(role.path, role.part): role for role in roles}
    return [_start(role, owners, context) for role in roles]


def _start(role: Role, owners: dict[tuple[str, str], Role], context: Context) -> Start:
    if role.layer in RECURRENT:
        hidden = _hidden(role, owners)
        return Start(uniform(1 / math.sqrt(hidden)), f"{role.layer}: U(+-1/sqrt(hidden)), hidden {hidden}")
    if role.layer == "MultiheadAttention":
        return _attention(role, context)
    if role.kind == "embedding":
        return padded(role, "normal(1)", "Embedding: N(0, 1)")
    if role.kind == "weight":
        fan_in = raw_fan_in(role) if role.layer != "Conv1D" else role.fan_in
        return Start(uniform(1 / math.sqrt(fan_in)), f"{role.layer}: U(+-1/sqrt({fan_in})), fan_in of the raw tensor")
    weight = owners.get((role.path, "weight"))
    if role.kind == "bias" and weight is not None and weight.kind == "weight":
        fan_in = raw_fan_in(weight)
        return Start(uniform(1 / math.sqrt(fan_in)), f"bias of {role.layer}: U(+-1/sqrt({fan_in}))")
    return rest(role, context)


def raw_fan_in(role: Role) -> int:
    """Return size(1) times the taps; of a bilinear layer, size(1) alone."""
    return role.shape[1] * (1 if role.layer == "Bilinear" else math.prod(role.shape[2:]))


def _hidden(role: Role, owners: dict[tuple[str, str], Role]) -> int:
    own = next(r for (path, part), r in owners.items() if path == role.path and part.startswith("weight_ih"))
    return own.fan_out


def _attention(role: Role, context: Context) -> Start:
    if role.kind == "weight" and role.part != "weight":
        bound = math.sqrt(6 / sum(role.shape))
        return Start(uniform(bound), "MultiheadAttention: Xavier, uniform, on the tensor as it is stored")
    return rest(role, context)
