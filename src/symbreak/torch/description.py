"""`describe`: what each parameter of a model is, and where in the network it stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from symbreak.torch.observe import observe
from symbreak.torch.starting.admission import plannable
from symbreak.torch.starting.role import Role
from symbreak.torch.starting.roles import roles

SCHEMA = "symbreak/description/1"


@dataclass(frozen=True)
class Part:
    """A parameter: what it is, and where in the network it stands. A tied one is one part with several names.

    Attributes:
        name, names: its first name without wrappers (`module.`, `_orig_mod.`); all its names in the model.
        shape: as stored.
        kind: "weight", "embedding", "recurrent", "bias", "norm gain", "norm shift", "scale", "table", "directions" and
            "lengths" (of a weight norm), "computed", "unused", "unknown".
        layer: class of the module that holds it.
        fan_in, fan_out: terms that one output adds, and outputs that one input reaches; 0 where it has none.
        groups, transposed: of a convolution.
        parts: how many weights lie side by side in it: query, key and value, or a recurrent layer's gates.
        reads: activations whose product it reads; "input" where it reads the data.
        follower: the activation that reads what it gives; "" for none.
        normed: a normalization reads what it gives.
        head: no weight comes after it.
        tied_output: an embedding that is the output's weight too.
        attended: as what attention reads what it gives: "query", "key", "value".
        gated: what it gives is multiplied by the activated result of another weight.
        branch: kind of the residual branch that it is in; "" for none.
        branch_place, branches: which branch of its stream that is, from 1, and how many there are.
        closes: it is read last in its branch.
        uses: how many operations read it.
        trainable: takes part in training.
    """

    name: str
    names: tuple[str, ...]
    shape: tuple[int, ...]
    kind: str
    layer: str
    fan_in: int = 0
    fan_out: int = 0
    groups: int = 1
    transposed: bool = False
    parts: int = 1
    reads: tuple[str, ...] = ()
    follower: str = ""
    normed: bool = False
    head: bool = False
    tied_output: bool = False
    attended: tuple[str, ...] = ()
    gated: bool = False
    branch: str = ""
    branch_place: int = 0
    branches: int = 0
    closes: bool = False
    uses: int = 0
    trainable: bool = True


@dataclass(frozen=True)
class Description:
    """The wiring of a model; it prints as a table and goes to JSON.

    Attributes:
        parts: one for each parameter, in the model's order.
        observed: the wiring was seen on a batch; else only the kinds of the modules were known.
    """

    parts: tuple[Part, ...]
    observed: bool

    def __getitem__(self, name: str) -> Part:
        """Return the part that goes by a name."""
        for part in self.parts:
            if name == part.name or name in part.names:
                return part
        raise KeyError(name)

    def __iter__(self) -> Iterator[Part]:
        """Yield the parts."""
        return iter(self.parts)

    def to_json(self) -> dict[str, Any]:
        """Return plain data (schema symbreak/description/1)."""
        return {"schema": SCHEMA, "observed": self.observed, "parts": [_plain(asdict(part)) for part in self.parts]}

    def __str__(self) -> str:
        head = ("parameter", "shape", "kind", "layer", "fans", "place")
        rows = [head, *(_row(part) for part in self.parts)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
        return "\n".join(
            "  ".join((*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1])).rstrip()
            for row in rows
        )


def describe(
    model: nn.Module,
    x: Any = None,
    y: Any = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    *,
    seed: int = 0,
) -> Description:
    """Tell how a model is wired: what the rules of `check` and the plan of `init_` read. Nothing is changed.

    With a batch the model runs once, forward and backward, and every operation is seen: true fans with groups and
    transposition, what a weight reads and what reads it, residual branches, ties, heads, fused blocks. Without one
    only the kinds of the modules are known.

    Args:
        model: any module.
        x: a batch: a tensor, a tuple of arguments, or a dict of keyword arguments.
        y: its targets, where the model or the loss needs them.
        loss_fn: takes the model's output and y.
        seed: of what is random in the pass.

    Raises:
        InvalidInput: a model without dense parameters of floating-point numbers, or a batch that it does not take.

    >>> import torch
    >>> net = nn.Sequential(nn.Conv2d(4, 8, 3, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    >>> wiring = describe(net, torch.ones(2, 4, 3, 3))
    >>> wiring["0.weight"].fan_in, wiring["0.weight"].groups, wiring["0.weight"].follower
    (18, 2, 'relu')
    >>> wiring["3.weight"].reads, wiring["3.weight"].head
    (('relu',), True)
    """
    plannable(model)
    observation = observe(model, x, y, loss_fn, seed=seed) if x is not None else None
    seen = observation.operations if observation is not None else ()
    products = {op.weight.parameter for op in seen if op.weight is not None and op.kind != "embedding"}
    return Description(tuple(_part(role, products) for role in roles(model, observation)), observation is not None)


def _part(role: Role, products: Collection[str]) -> Part:
    branch, reading = role.branch, role.reading
    fans = (role.fan_in, role.fan_out) if role.kind in ("weight", "embedding", "recurrent", "directions") else (0, 0)
    return Part(
        name=role.name,
        names=role.names,
        shape=role.shape,
        kind=role.kind,
        layer=role.layer,
        fan_in=fans[0],
        fan_out=fans[1],
        groups=role.groups,
        transposed=role.transposed,
        parts=role.parts,
        reads=_reads(role) if reading is not None or role.functions else (),
        follower=role.follower,
        normed=role.normed,
        head=role.head,
        tied_output=role.kind == "embedding" and any(name in products for name in role.names),
        attended=tuple(each for each in ("query", "key", "value") if each in role.attended),
        gated=role.gated,
        branch=branch.kind if branch is not None else "",
        branch_place=branch.place + 1 if branch is not None else 0,
        branches=branch.count if branch is not None else 0,
        closes=role.closes,
        uses=role.uses,
        trainable=role.tensor.requires_grad,
    )


def _reads(role: Role) -> tuple[str, ...]:
    reading = role.reading
    if reading is not None and reading.rms is not None:
        return ("input",)
    seen = reading.activations if reading is not None else ()
    return (*seen, *(type(module).__name__ for module in role.functions))


def _row(part: Part) -> tuple[str, ...]:
    shape = "x".join(map(str, part.shape)) or "()"
    fans = f"{part.fan_in} -> {part.fan_out}" if part.fan_in or part.fan_out else ""
    return part.name, shape, part.kind, part.layer, fans, "; ".join(_place(part))


def _place(part: Part) -> Iterator[str]:
    if len(part.names) > 1:
        yield f"tied: {', '.join(part.names[1:])}"
    if part.groups > 1:
        yield f"{part.groups} groups"
    if part.transposed:
        yield "transposed"
    if part.parts > 1:
        yield f"{part.parts} side by side"
    if part.reads:
        yield f"reads {' times '.join(part.reads)}"
    if part.follower or part.normed:
        yield f"then {part.follower or 'a normalization'}"
    if part.attended:
        yield f"{' and '.join(part.attended)} of attention"
    if part.gated:
        yield "gated"
    if part.branch:
        ends = "ends" if part.closes else "in"
        yield f"{ends} {part.branch} branch {part.branch_place} of {part.branches}"
    if part.head or part.tied_output:
        yield "output"
    if not part.trainable:
        yield "frozen"


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}
