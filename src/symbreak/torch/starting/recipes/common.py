"""What recipes share: refusals, the usual start of what a paper does not speak of, and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from symbreak.errors import InvalidInput
from symbreak.torch.starting import auto
from symbreak.torch.starting.auto import Context, Start
from symbreak.torch.starting.role import Role

MATRICES = frozenset(("weight", "recurrent", "embedding"))


@dataclass(frozen=True)
class Part:
    """One of the weights that lie in a tensor: all of it, or a third of a fused query, key and value."""

    role: Role
    attended: str
    rows: int
    columns: int


def refuse(name: str, why: str, allowed: str) -> InvalidInput:
    """Build the error of a recipe that does not apply."""
    return InvalidInput(f"the recipe {name} does not apply to this model", got=why, allowed=allowed, hint="auto")


def require_batch(name: str, context: Context) -> None:
    """Refuse to guess the wiring."""
    if not context.observed:
        raise refuse(name, "no batch, so that residual branches are unknown", f'plan(model, x, scheme="{name}")')


def require_branches(name: str, roles: Sequence[Role], context: Context, *, norms: bool | None = None) -> None:
    """Refuse a model without residual branches; with `norms`, one whose branches have none, or have some."""
    require_batch(name, context)
    branches = [role.branch for role in roles if role.branch is not None]
    if not branches:
        raise refuse(name, "no residual branch", "a model with residual branches")
    if norms is not None and any(branch.normalized is not norms for branch in branches):
        which = "with" if norms else "without"
        raise refuse(
            name, f"a branch {'without' if norms else 'with'} normalization", f"branches {which} normalization"
        )


def require_attention(name: str, roles: Sequence[Role]) -> None:
    """Refuse a model without attention."""
    if not any(role.attended for role in roles):
        raise refuse(name, "no attention", "a Transformer")


def blocks(name: str, role: Role) -> int:
    """Return how many blocks the stream of a branch has: two branches each, three with cross-attention."""
    assert role.branch is not None, "only weights of branches are counted in blocks"
    size = role.branch.block
    if size not in (2, 3) or role.branch.count % size:
        raise refuse(name, f"{role.name} in a stream of {role.branch.count} branches, {size} to an attention",
                     "blocks of attention and feed-forward, with or without cross-attention")  # fmt: skip
    return role.branch.count // size


def rest(role: Role, context: Context, *, bias: str = "zeros") -> Start:
    """Return the start of what is no matrix: biases zero, norms one and zero, all else as it is."""
    if role.kind == "bias":
        return Start(bias, f"bias of {role.layer}" if role.layer else "bias")
    return auto.RULES[role.kind](role, context)


def glorot_std(fan_in: int, fan_out: int) -> float:
    """Return sqrt(2 / (fan_in + fan_out)), Glorot and Bengio's."""
    return math.sqrt(2 / (fan_in + fan_out))


def parts(name: str, role: Role) -> list[Part]:
    """Take a fused query, key and value apart, where their order is known; one part else.

    Raises:
        InvalidInput: it is read as several of them, in an order that is not known.
    """
    if role.parts == 3 and role.layer in ("MultiheadAttention", "Conv1D"):
        return [Part(role, each, role.fan_out if role.layer != "Conv1D" else role.fan_out // 3, role.fan_in)
                for each in ("query", "key", "value")]  # fmt: skip
    if len(role.attended) > 1:
        raise refuse(name, f"{role.name}, which holds {', '.join(sorted(role.attended))} in an unknown order",
                     "separate weights, nn.MultiheadAttention, or the Conv1D of transformers")  # fmt: skip
    return [Part(role, next(iter(role.attended), ""), role.fan_out, role.fan_in)]
