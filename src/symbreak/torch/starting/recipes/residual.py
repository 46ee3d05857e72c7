"""Recipes for Transformers with normalized branches: GPT-2's, Llama's (scaled by depth), DeepNorm's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from symbreak.initializers.stacks import stack
from symbreak.torch.starting.auto import Context, Start, normal
from symbreak.torch.starting.recipes.common import (
    MATRICES,
    Part,
    blocks,
    glorot_std,
    parts,
    refuse,
    require_attention,
    require_branches,
    rest,
)
from symbreak.torch.starting.role import Role

STD = 0.02
# A stream that is multiplied by a number within this of DeepNorm's alpha is DeepNorm's.
AGREES = 1e-2


def gpt2(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return N(0, 0.02^2), divided by sqrt(N) for the weights that close one of N residual branches; biases 0.

    Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.3: "scale the weights of
    residual layers at initialization by a factor of 1/sqrt(N) where N is the number of residual layers".
    """
    require_branches("gpt2", roles, context, norms=True)
    require_attention("gpt2", roles)
    return [_gpt2(role, context) for role in roles]


def _gpt2(role: Role, context: Context) -> Start:
    if role.kind not in MATRICES:
        return rest(role, context)
    if role.closes and role.branch is not None:
        count = role.branch.count
        return Start(normal(STD / math.sqrt(count)), f"GPT-2: 0.02 / sqrt({count}), closes one of {count} branches")
    return Start(normal(STD), "GPT-2: 0.02")


def llama(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return torchtitan's start of Llama 3, scaled by depth, for block l = 0, 1, ...

    Query, key, value and gate N(0, 0.02^2); the weights that close branches, and the one beside the gate,
    N(0, 0.02^2 / (2 (l + 1))); embeddings N(0, 1); the output's N(0, 1/d) cut at three standard deviations.
    torchtitan cuts the others at +-2, which is 100 standard deviations: not at all.
    Source: torchtitan, models/llama3, `init_weights` with `depth_init`; Zhang et al., arXiv:1908.11365, for 1/sqrt(l).
    """
    require_branches("llama", roles, context, norms=True)
    require_attention("llama", roles)
    if not any(role.gated for role in roles):
        raise refuse("llama", "no gated feed-forward layer", "blocks with down(act(gate(x)) * up(x))")
    return [_llama(role, context) for role in roles]


def _llama(role: Role, context: Context) -> Start:
    if role.kind == "embedding" and not role.tied_output:
        return Start("normal(1)", "Llama: embedding N(0, 1)")
    if role.kind == "embedding" or role.head:
        width = role.shape[-1]
        return Start(f"truncated_normal({1 / math.sqrt(width):.4g}, -3, 3)", f"Llama: output, 1 / sqrt({width})")
    if role.kind not in MATRICES:
        return rest(role, context)
    if role.branch is not None and (role.closes or role.gated):
        block = role.branch.place // 2
        return Start(normal(STD / math.sqrt(2 * (block + 1))), f"Llama: 0.02 / sqrt(2 * {block + 1}), block {block}")
    return Start(normal(STD), "Llama: 0.02")


def deepnorm(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return Xavier's normal law, times beta for values, attention's outputs and feed-forward layers.

    For x = LayerNorm(alpha x + f(x)) with N encoder and M decoder blocks (Wang et al., arXiv:2203.00555, table 1):
    one stack alpha = (2 N)^(1/4), beta = (8 N)^(-1/4); both: encoder alpha = 0.81 (N^4 M)^(1/16),
    beta = 0.87 (N^4 M)^(-1/16), decoder alpha = (3 M)^(1/4), beta = (12 M)^(-1/4).
    """
    require_branches("deepnorm", roles, context, norms=True)
    require_attention("deepnorm", roles)
    counts = {role.branch.first: (blocks("deepnorm", role), role.branch.block) for role in roles if role.branch}
    return [_deepnorm(role, counts, context) for role in roles]


def _deepnorm(role: Role, counts: dict[int, tuple[int, int]], context: Context) -> Start:
    if role.kind not in MATRICES or role.branch is None or role.kind == "embedding":
        if role.kind == "embedding":
            return Start(normal(1 / math.sqrt(role.shape[-1])), "DeepNorm: embedding, 1 / sqrt(width) as is usual")
        if role.kind == "weight":
            return Start(normal(glorot_std(role.fan_in, role.fan_out)), "DeepNorm: Xavier")
        return rest(role, context)
    alpha, beta = deepnorm_factors(role.branch.first, counts)
    if not role.branch.follows or abs(role.branch.stream / alpha - 1) > AGREES:
        raise refuse(
            "deepnorm",
            f"the branch of {role.name}, with the stream multiplied by {role.branch.stream:.4g}"
            + ("" if role.branch.follows else " and no normalization of the sum"),
            f"LayerNorm(alpha x + f(x)) with alpha = {alpha:.4g}",
        )
    texts = [_scaled(part, beta) for part in parts("deepnorm", role)]
    axis = 1 if role.layer == "Conv1D" else 0
    return Start(stack(tuple(texts), axis=axis), f"DeepNorm: Xavier, beta {beta:.4g} but for query and key")


def _scaled(part: Part, beta: float) -> str:
    gain = 1.0 if part.attended in ("query", "key") else beta
    return normal(gain * glorot_std(part.columns, part.rows))


def deepnorm_factors(stream: int, counts: dict[int, tuple[int, int]]) -> tuple[float, float]:
    """Return alpha and beta of a stream, from the number of blocks of each and their branches (3: a decoder).

    >>> [round(value, 3) for value in deepnorm_factors(7, {7: (8, 2)})]
    [2.0, 0.354]
    """
    own, size = counts[stream]
    decoders = [count for count, branches in counts.values() if branches == 3]
    encoders = [count for count, branches in counts.values() if branches == 2]
    if size == 3:
        return (3 * own) ** 0.25, (12 * own) ** -0.25
    if decoders and encoders:
        both = own**4 * decoders[0]
        return 0.81 * both ** (1 / 16), 0.87 * both ** (-1 / 16)
    return (2 * own) ** 0.25, (8 * own) ** -0.25
