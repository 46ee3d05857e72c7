"""Finding the loss in a trace: which one it is, on which logits, for which targets, whoever computed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch.nn import functional

from symbreak.diagnosis.observation import Loss
from symbreak.torch.operations import kind_of, plain
from symbreak.torch.trace import Record, Ref, Trace
from symbreak.torch.written_losses import LossKind, Seen, Written

KINDS: dict[str, LossKind] = {
    "nll_loss_forward": "cross-entropy",
    "nll_loss2d_forward": "cross-entropy",
    "binary_cross_entropy": "binary-cross-entropy",
    "binary_cross_entropy_with_logits": "binary-cross-entropy",
    "mse_loss": "squared-error",
    "smooth_l1_loss": "absolute-error",
    "huber_loss": "absolute-error",
}
Normalized = Literal["", "probabilities", "log-probabilities"]
LOGARITHMS = frozenset(("neg", "log", "_log_softmax"))
# Rounding in half precision moves the logarithm of a sum of probabilities by less than this.
RAW = 0.05


@dataclass(eq=False)
class LossWatch:
    """Notes every loss operation of a pass while its targets are in memory."""

    seen: list[Seen] = field(default_factory=list)
    written: Written = field(default_factory=Written)

    def watch(self, record: Record, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Look at one operation."""
        kind = KINDS.get(plain(record.target))
        if not record.data:
            return
        self.seen += self.written.look(record, args)
        if kind is None:
            return
        found = _classes(record, args) if kind == "cross-entropy" else _numbers(record, kind, args)
        if found is not None:
            self.seen.append(found)

    def loss(self, trace: Trace, total: float, numbers: Mapping[int, int]) -> Loss:
        """Return the loss that decided the total: of those that explain it, the one nearest to it."""
        possible = [seen for seen in self.seen if seen.explains(total)]
        if not possible:
            place = max(numbers.values(), default=0)
            return Loss("other", total, total, place, None, None, None, (), ())
        seen = min(possible, key=lambda each: abs(each.value - total))
        logits = _logits(trace.records, seen)
        return Loss(
            seen.kind,
            seen.value,
            total,
            numbers[seen.record],
            numbers.get(logits.index) if logits is not None else None,
            seen.targets.double().numpy() if seen.targets.is_floating_point() else seen.targets.numpy(),
            seen.classes,
            seen.predicted,
            seen.wanted,
            "raw scores" if seen.raw else _normalized(trace.records, logits),
        )


def _classes(record: Record, args: tuple[Any, ...]) -> Seen | None:
    scores, targets = args[0].detach(), args[1].detach()
    ignored = int(args[4]) if len(args) > 4 else -100
    valid = targets != ignored
    if not bool(valid.any()):
        return None
    picked = scores.gather(1 if scores.dim() > 1 else 0, targets.clamp_min(0).unsqueeze(1 if scores.dim() > 1 else 0))
    value = float(-picked.squeeze(1 if scores.dim() > 1 else 0)[valid].float().mean())
    classes = scores.shape[1] if scores.dim() > 1 else scores.shape[0]
    kept = targets[valid].flatten().cpu()
    # The exponentials of log-probabilities add up to 1.
    raw = float(torch.logsumexp(scores, 1 if scores.dim() > 1 else 0).abs().max()) > RAW
    return Seen(record.index, "cross-entropy", value, kept, classes, tuple(scores.shape), tuple(targets.shape), raw)


def _numbers(record: Record, kind: LossKind, args: tuple[Any, ...]) -> Seen:
    scores, targets = args[0].detach().float(), args[1].detach().float()
    if kind == "squared-error":
        value = float(functional.mse_loss(scores, targets))
    elif kind == "absolute-error":
        value = float(functional.l1_loss(scores, targets))
    elif plain(record.target) == "binary_cross_entropy":
        value = float(functional.binary_cross_entropy(scores, targets))
    else:
        value = float(functional.binary_cross_entropy_with_logits(scores, targets))
    return Seen(record.index, kind, value, targets.cpu(), None, tuple(scores.shape), tuple(targets.shape))


def _logits(records: list[Record], seen: Seen) -> Record | None:
    """Follow the loss back to what the model gave: past the log-softmax that belongs to cross-entropy."""
    record: Record | None = records[seen.record]
    if seen.kind != "cross-entropy" or seen.terms is None or plain(records[seen.record].target) not in LOGARITHMS:
        record = _origin(records, records[seen.record])
    passed = "" if seen.kind == "cross-entropy" else "_log_softmax"
    while record is not None and passed != "_log_softmax":
        name = plain(record.target)
        if name not in LOGARITHMS and (passed, name) != ("log", "_softmax"):
            break
        passed = "_log_softmax" if name == "_softmax" else name
        record = _origin(records, record)
    return record


def _origin(records: list[Record], record: Record) -> Record | None:
    ref = next((ref for ref in record.refs if records[ref.record].target != "target"), None)
    while ref is not None and kind_of(records[ref.record].target) == "shape":
        refs = records[ref.record].refs
        ref = refs[0] if refs else None
    return records[ref.record] if isinstance(ref, Ref) else None


def _normalized(records: list[Record], logits: Record | None) -> Normalized:
    if logits is None:
        return ""
    names: dict[str, Normalized] = {"_softmax": "probabilities", "_log_softmax": "log-probabilities"}
    return names.get(plain(logits.target), "probabilities" if plain(logits.target) == "sigmoid" else "")
