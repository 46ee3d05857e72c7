"""Losses that are written out: a gather of a log-softmax, its product with shares, a squared or absolute difference,
the likelihood of counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from symbreak.torch.operations import kind_of, plain
from symbreak.torch.trace import Record, Ref

LossKind = Literal["cross-entropy", "binary-cross-entropy", "squared-error", "absolute-error", "poisson", "other"]
# Shares are added up in half precision at worst.
WHOLE = 1e-2
# Between a mean that is computed here and the same one in the model lies rounding, in half precision at worst.
AGREEMENT = 1e-2


@dataclass(frozen=True, eq=False)
class Seen:
    """A loss operation, its targets and its mean over them.

    Attributes:
        terms, rows: of the mean; None for an operation that is a loss for sure. What only looks like one must give the
            total: as a mean, a sum, or a sum over each row's terms; of squares, perhaps halved, or the root of it.
    """

    record: int
    kind: LossKind
    value: float
    targets: Tensor
    classes: int | None
    predicted: tuple[int, ...]
    wanted: tuple[int, ...]
    raw: bool = False
    terms: int | None = None
    rows: int = 1

    def explains(self, total: float) -> bool:
        """Tell whether the total is this loss."""
        if self.terms is None:
            return True
        halves = (1.0, 0.5) if self.kind == "squared-error" else (1.0,)
        counts = (1, self.terms, self.terms / self.rows)
        possible = [half * count * self.value for half in halves for count in counts]
        roots = [math.sqrt(each) for each in possible if each >= 0] if self.kind == "squared-error" else []
        return any(abs(total - each) <= AGREEMENT * abs(total) for each in (*possible, *roots))


@dataclass(eq=False)
class Written:
    """Follows log-softmaxes, differences from targets and products with them to what is made of them."""

    records: list[Record] = field(default_factory=list)
    _given: list[Literal["batch", "constant", "other"]] = field(default_factory=list)
    _differences: dict[int, tuple[Tensor, tuple[int, ...]]] = field(default_factory=dict)
    _products: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def look(self, record: Record, args: tuple[Any, ...]) -> Iterator[Seen]:
        """Yield the loss that an operation may be."""
        name = plain(record.target)
        found = None
        if name == "sub":
            self._note_difference(record, args)
            found = self._counted(record, args)
        elif name == "abs":
            found = self._absolute(record, args)
        elif name in ("gather", "index"):
            found = self._gathered(record, args)
        elif name in ("pow", "mul"):
            self._note_product(record, args)
            found = self._squared(record, args) or (self._shared(record, args) if name == "mul" else None)
        if found is not None:
            yield found

    def _made_of(self, item: Any) -> Record | None:
        """Return the record of an operand, before operations that only move it."""
        while isinstance(item, Ref):
            record = self.records[item.record]
            if kind_of(record.target) != "shape" or plain(record.target) in ("gather", "index") or not record.refs:
                return record
            item = record.refs[0]
        return None

    def _is_given(self, item: Any) -> bool:
        """Whether an operand is made of the batch and its targets alone, as one-hot targets are."""
        for record in self.records[len(self._given) :]:
            made_of = {self._given[ref.record] for ref in record.refs}
            if record.target in ("target", "input"):
                self._given.append("batch")
            elif record.leaves or "other" in made_of:
                self._given.append("other")
            else:
                self._given.append("batch" if "batch" in made_of else "constant")
        return isinstance(item, Ref) and self._given[item.record] == "batch"

    def _is_log_softmax(self, item: Any) -> bool:
        record = self._made_of(item)
        if record is not None and plain(record.target) == "neg":
            record = self._made_of(record.refs[0])
        if record is not None and plain(record.target) == "log":
            record = self._made_of(record.refs[0])
            return record is not None and plain(record.target) == "_softmax"
        return record is not None and plain(record.target) == "_log_softmax"

    def _note_difference(self, record: Record, args: tuple[Any, ...]) -> None:
        operands = (record.arguments.get("self"), record.arguments.get("other"))
        given = [self._is_given(item) for item in operands]
        if given.count(True) == 1 and all(isinstance(each, Tensor) for each in args[:2]):
            place = given.index(True)
            self._differences[record.index] = args[place].detach(), tuple(args[1 - place].shape)

    def _note_product(self, record: Record, args: tuple[Any, ...]) -> None:
        operands = (record.arguments.get("self"), record.arguments.get("other"))
        given = [self._is_given(item) for item in operands]
        if given.count(True) == 1 and all(isinstance(each, Tensor) for each in args[:2]):
            place = given.index(True)
            self._products[record.index] = args[place].detach(), args[1 - place].detach()

    def _counted(self, record: Record, args: tuple[Any, ...]) -> Seen | None:
        """The exponential of logarithms of rates, less their product with counts."""
        rates = self._made_of(record.arguments.get("self"))
        product = self._made_of(record.arguments.get("other"))
        noted = self._products.get(product.index) if product is not None else None
        if noted is None or rates is None or plain(rates.target) != "exp":
            return None
        counts, logs = noted
        same = {ref.record for ref in rates.refs} <= {ref.record for ref in product.refs} if product else False
        if not same or bool((counts < 0).any()):
            return None
        costs = (args[0] - args[1]).detach().float()
        shapes = tuple(logs.shape), tuple(counts.shape)
        kept, terms = counts.float().cpu(), costs.numel()
        return Seen(rates.index, "poisson", float(costs.mean()), kept, None, *shapes, terms=terms)

    def _absolute(self, record: Record, args: tuple[Any, ...]) -> Seen | None:
        noted = self._differences.get(record.refs[0].record) if len(record.refs) == 1 else None
        if noted is None:
            return None
        targets, predicted = noted
        value, terms = float(args[0].detach().float().abs().mean()), args[0].numel()
        rows = args[0].shape[0] if args[0].dim() else 1
        shapes = predicted, tuple(targets.shape)
        kept = targets.float().cpu()
        return Seen(record.refs[0].record, "absolute-error", value, kept, None, *shapes, terms=terms, rows=rows)

    def _squared(self, record: Record, args: tuple[Any, ...]) -> Seen | None:
        sources = {ref.record for ref in record.refs}
        noted = self._differences.get(next(iter(sources))) if len(sources) == 1 else None
        twice = len(record.refs) == 2 if plain(record.target) == "mul" else record.arguments.get("exponent") == 2
        if noted is None or not twice:
            return None
        targets, predicted = noted
        value = float(args[0].detach().float().square().mean())
        terms, rows = args[0].numel(), args[0].shape[0] if args[0].dim() else 1
        wanted = tuple(targets.shape)
        kept = targets.float().cpu()
        return Seen(sources.pop(), "squared-error", value, kept, None, predicted, wanted, terms=terms, rows=rows)

    def _gathered(self, record: Record, args: tuple[Any, ...]) -> Seen | None:
        """A gather of log-probabilities at the targets, or `log_probabilities[arange(n), targets]`."""
        if not self._is_log_softmax(record.arguments.get("self")):
            return None
        scores, picked = args[0].detach(), record.shape
        if plain(record.target) == "gather":
            axis, index = int(args[1]) % scores.dim(), args[2]
            values = scores.gather(axis, index)
        else:
            axis, index = scores.dim() - 1, args[1][-1]
            values = torch.ops.aten.index(scores, args[1])
        if index is None or index.is_floating_point() or values.numel() != index.numel():
            return None
        value, shape = abs(float(values.float().mean())), tuple(scores.shape)
        kept = index.detach().flatten().cpu()
        return Seen(record.index, "cross-entropy", value, kept, shape[axis], shape, picked, terms=len(kept))

    def _shared(self, record: Record, args: tuple[Any, ...]) -> Seen | None:
        """Log-probabilities times shares that add up to 1."""
        operands = (record.arguments.get("self"), record.arguments.get("other"))
        logs = [self._is_log_softmax(item) for item in operands]
        if logs.count(True) != 1 or not self._is_given(operands[1 - logs.index(True)]):
            return None
        scores, shares = args[logs.index(True)].detach().float(), args[1 - logs.index(True)].detach().float()
        axis = next((axis for axis in (1, scores.dim() - 1) if _are_shares(shares, scores, axis)), None)
        if axis is None:
            return None
        terms = scores.numel() // scores.shape[axis]
        value, shape = abs(float((scores * shares).sum() / terms)), tuple(scores.shape)
        made = operands[logs.index(True)]
        assert isinstance(made, Ref), "a log-softmax was made by an operation"
        return Seen(made.record, "cross-entropy", value, shares.cpu(), shape[axis], shape, shape, terms=terms)


def _are_shares(shares: Tensor, scores: Tensor, axis: int) -> bool:
    if shares.shape != scores.shape or not 0 <= axis < scores.dim():
        return False
    return bool(shares.min() >= 0 and (shares.sum(axis) - 1).abs().max() <= WHOLE)
