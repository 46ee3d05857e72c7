"""Recipes that take the place of normalization: Fixup, T-Fixup, delta-orthogonal; and muP, which scales with width."""

from __future__ import annotations

import math
from collections.abc import Sequence

from symbreak.initializers.stacks import stack
from symbreak.torch.starting import gains
from symbreak.torch.starting.auto import Context, Start, normal, uniform
from symbreak.torch.starting.recipes.common import (
    MATRICES,
    blocks,
    parts,
    refuse,
    require_attention,
    require_batch,
    require_branches,
    rest,
)
from symbreak.torch.starting.role import Role


def fixup(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return He's law, times L^(-1/(2 m - 2)) in a branch of m layers; the last of each branch and the head 0.

    L is the number of residual branches. Zhang, Dauphin, Ma, arXiv:1901.09321, section 4, rules 1 and 2; rule 3, the
    scalar multipliers and biases, is the model's to have, and they stay as they are.
    """
    require_branches("fixup", roles, context, norms=False)
    return [_fixup(role, context) for role in roles]


def _fixup(role: Role, context: Context) -> Start:
    if role.kind not in MATRICES or role.kind == "recurrent":
        return rest(role, context)
    if role.kind == "embedding":
        return rest(role, context)
    if role.closes and role.branch is not None and role.branch.closed:
        raise refuse("fixup", f"the branch that {role.name} closes, which another factor holds at zero already",
                     "scalar multipliers that start at 1")  # fmt: skip
    if role.head or role.closes:
        return Start("zeros", "Fixup: the head is zero" if role.head else "Fixup: closes its branch, zero")
    std = math.sqrt(2 / role.fan_in)
    if role.branch is None or role.branch.length < 2:
        return Start(normal(std), "Fixup: He")
    count, length = role.branch.count, role.branch.length
    factor = count ** (-1 / (2 * length - 2))
    return Start(normal(std * factor), f"Fixup: He times {count}^(-1/(2*{length} - 2)) = {factor:.4g}")


def t_fixup(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return Xavier's uniform law; values, attention's outputs, feed-forward layers and embeddings scaled down.

    By 0.67 N^(-1/4) in an encoder of N blocks (attention and feed-forward; a decoder without cross-attention is one),
    by (9 N)^(-1/4) in a decoder; embeddings are N(0, 1/d) times (9 N)^(-1/4), or the encoder's factor where there is
    no decoder. Huang, Perez, Ba, Volkovs, "Improving Transformer Optimization Through Better Initialization",
    ICML 2020, section 3.2. The model must have no normalization.
    """
    require_branches("t-fixup", roles, context, norms=False)
    require_attention("t-fixup", roles)
    factors = {r.branch.first: t_fixup_factor(blocks("t-fixup", r), r.branch.block) for r in roles if r.branch}
    decoders = [factors[r.branch.first] for r in roles if r.branch and r.branch.block == 3]
    return [_t_fixup(role, factors, (decoders or list(factors.values()))[0], context) for role in roles]


def t_fixup_factor(count: int, branches: int) -> float:
    """Return the factor for a stack of so many blocks, of two branches (an encoder) or three (a decoder).

    >>> round(t_fixup_factor(6, 2), 4), round(t_fixup_factor(6, 3), 4)
    (0.4281, 0.3689)
    """
    return 1 / math.sqrt(math.sqrt(9 * count)) if branches == 3 else 0.67 / math.sqrt(math.sqrt(count))


def _t_fixup(role: Role, factors: dict[int, float], embeddings: float, context: Context) -> Start:
    if role.kind == "embedding":
        return Start(normal(embeddings / math.sqrt(role.shape[-1])), f"T-Fixup: {embeddings:.4g} / sqrt(width)")
    if role.kind not in MATRICES:
        return rest(role, context)
    factor = factors[role.branch.first] if role.branch is not None else 1.0
    texts = []
    for part in parts("t-fixup", role):
        own = 1.0 if part.attended in ("query", "key") else factor
        texts.append(uniform(own * math.sqrt(6 / (part.rows + part.columns))))
    axis = 1 if role.layer == "Conv1D" else 0
    return Start(stack(tuple(texts), axis=axis), f"T-Fixup: Xavier, times {factor:.4g} but for query and key")


def delta_orthogonal(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return, for convolutions, gain times an orthogonal matrix at the central tap and 0 elsewhere; critical gains.

    Xiao et al., arXiv:1806.05393. Linear layers are orthogonal with the same gain. Outputs must not be fewer than
    inputs.
    """
    if not any(_is_kernel(role) for role in roles):
        raise refuse("delta-orthogonal", "no convolution", "a convolutional model")
    return [_delta(role, context) for role in roles]


def _is_kernel(role: Role) -> bool:
    return role.kind == "weight" and role.layer.startswith("Conv") and len(role.shape) > 2


def _delta(role: Role, context: Context) -> Start:
    if role.kind != "weight":
        return rest(role, context)
    gain = 1.0
    for name in role.reading.activations if role.reading else ():
        known = gains.critical(name, role.stretch)
        gain *= known.value if known else 1.0
    if not _is_kernel(role):
        rows = role.rows or role.fan_out
        return Start(f"orthogonal({gains.orthogonal(gain, rows, role.fan_in):.4g})", f"orthogonal, gain {gain:.4g}")
    if role.groups > 1 or role.transposed or role.shape[0] < role.shape[1]:
        raise refuse("delta-orthogonal", f"{role.name} of shape {role.shape} in {role.groups} groups",
                     "convolutions without groups that have at least as many outputs as inputs")  # fmt: skip
    factor = gains.orthogonal(gain, role.shape[0], role.shape[1])
    return Start(f"delta_orthogonal({factor:.4g})", f"delta-orthogonal, critical gain {gain:.4g}")


def mup(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return muP: variance 1/fan_in for inputs and hidden weights, 1/fan_in^2 for the output; biases 0.

    Yang et al., arXiv:2203.03466, table 3 (constants 1; an embedding reads one-hot rows, whose size does not change
    with the width: variance 1). With Adam the learning rates of hidden and output weights must be divided by fan_in,
    which no initialization can do.
    """
    require_batch("mup", context)
    tied = next((role for role in roles if role.tied_output), None)
    if tied is not None:
        raise refuse("mup", f"{tied.name}, whose output is tied to the embedding", "an output with a weight of its own")
    if not any(role.head and role.kind == "weight" for role in roles):
        raise refuse("mup", "no output weight that could be told", "a model that ends in a weight")
    return [_mup(role, context) for role in roles]


def _mup(role: Role, context: Context) -> Start:
    if role.kind == "embedding":
        return Start("normal(1)", "muP: input, variance 1 in any width")
    if role.kind not in MATRICES:
        return rest(role, context)
    if role.head:
        return Start(normal(1 / role.fan_in), f"muP: output, variance 1/fan_in^2, fan_in {role.fan_in}")
    return Start(
        normal(1 / math.sqrt(role.fan_in)), f"muP: variance 1/fan_in, fan_in {role.fan_in}; Adam's rate / fan_in"
    )
