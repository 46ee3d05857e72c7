"""Signals that grow or fade with depth, and inputs that all come to look alike."""

from __future__ import annotations

from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Severity, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.lines import drawn_anew
from symbreak.diagnosis.rules.rule import Context, Rule
from symbreak.diagnosis.wires import passes

# What fades a thousandfold along the trunk has lost as much of the gradient that comes back through the same weights;
# what grows a hundredfold makes the output, and with it the loss and the first steps, as large.
FADES = 1e-3
GROWS = 100.0
# At a millionfold, float32 sums of both ends lose their last digits, and training does not start.
ERROR_FACTOR = 1e6
# Deep ReLU networks of the right scale turn all inputs to one direction. Networks of 30 to 40 layers of He's, with a
# mean cosine up to 0.985, learn within a hundred steps of Adam; those of 60, above 0.99, do not.
ALIKE = 0.985
ALIKE_DEPTH = 20
KINDS = frozenset(("linear", "conv", "recurrent", "activation", "add", "concat", "pool", "multiply"))


def exploding(context: Context) -> Iterator[Finding]:
    """Report the trunk's largest signal if it is far above the first."""
    points = _points(context)
    if not points:
        return
    start = max([1.0, *(size for size, _ in _starts(context))])
    last = max(points, key=lambda op: _rms(op))
    if _rms(last) > GROWS * start:
        yield _finding(context, EXPLODING.slug, last, _rms(last), start, "rms")


def vanishing(context: Context) -> Iterator[Finding]:
    """Report the trunk's faintest signal if what tells inputs apart has faded."""
    points = _points(context)
    start = _difference_at_start(context, points)
    # What is exactly zero was put to zero, and is told by other rules.
    faint = [op for op in points if op.signal and 0 < op.signal.std < FADES * start and not _rescued(context, op)]
    alike = [op for op in context.wires.hidden[ALIKE_DEPTH:] if _similarity(op) > ALIKE]
    if alike and not faint and _similarity(context.wires.hidden[0]) < ALIKE:
        faint = alike[-1:]
    if faint:
        last = min(faint, key=lambda op: op.signal.std if op.signal else 0.0)
        yield _finding(context, VANISHING.slug, last, last.signal.std if last.signal else 0.0, start, "std")


def _difference_at_start(context: Context, points: list[Operation]) -> float:
    """Return what tells inputs apart after the first layer. It may shrink large inputs to size 1, not small ones."""
    first = next((op for op in points if op.kind in ("linear", "conv", "recurrent")), None)
    if first is None or first.signal is None:
        return 0.0
    given = [op.signal.std for op in context.wires.sources(first) if op.kind in ("input", "embedding") and op.signal]
    return max([first.signal.std, *(min(1.0, std) for std in given)])


def _points(context: Context) -> list[Operation]:
    wires = context.wires
    trunk = [op for op in wires.trunk if op.kind in KINDS and op.signal is not None and not op.signal.nonfinite]
    return [op for op in trunk if wires.leads_on(op) and not (op.kind == "add" and passes(op))]  # eps of a norm


def _starts(context: Context) -> Iterator[tuple[float, Operation]]:
    for operation in context.wires.operations:
        if operation.signal is not None and operation.kind in ("input", "embedding"):
            yield operation.signal.rms, operation


def _rms(operation: Operation) -> float:
    return operation.signal.rms if operation.signal else 0.0


def _similarity(operation: Operation) -> float:
    return (operation.signal.similarity if operation.signal else None) or 0.0


def _rescued(context: Context, operation: Operation) -> bool:
    """A normalization brings a faint signal back, unless it is as faint as its eps."""
    std = operation.signal.std if operation.signal else 0.0
    norms = [reader for reader in context.wires.readers(operation) if reader.kind == "norm"]
    return any(std**2 > 10 * float(norm.attributes.get("eps") or 1e-5) for norm in norms)


def _finding(context: Context, slug: str, operation: Operation, size: float, start: float, what: str) -> Finding:
    factor = size / start
    grows = slug == EXPLODING.slug
    beyond = factor > ERROR_FACTOR or factor < 1 / ERROR_FACTOR
    severity: Severity = "error" if beyond else "warning"
    depth = sum(op.index <= operation.index for op in context.wires.hidden)
    each = factor ** (1 / max(1, depth))
    similarity = operation.signal.similarity if operation.signal else None
    alike = f"; mean cosine between different inputs {similarity:.4g}" if not grows and similarity else ""
    weight = operation.weight.parameter if operation.weight else None
    return Finding(
        rule=slug,
        severity=severity,
        status="measured",
        where=Where((weight,) if weight else operation.parameters, (operation.module,)),
        says=f"{f'after {depth} layers' if depth else 'before the first layer'} the signal is {factor:.2g} times what "
        f"it was: {each:.3g} a layer{alike}",
        measured={what: size, f"first_{what}": start, "layers": depth, "factor_per_layer": each}
        | ({"similarity": similarity} if similarity is not None else {}),
        expected="a factor near 1 a layer: Var W = gain^2 / fan_in",
        why=_EXPLODES if grows else _FADES,
        fix=drawn_anew(context) + ("" if grows or depth < ALIKE_DEPTH else DEEPER),
        synthetic=context.observation.synthetic,
    )


DEEPER = "\n# at this depth also a normalization, or residual branches: ReLU turns all inputs to one direction"
_EXPLODES = (
    "Each layer multiplies the signal by about the same factor, so depth makes a power of it. Large signals saturate "
    "what can saturate and make the output, the loss and the gradients as large."
)
_FADES = (
    "Each layer multiplies the differences between inputs by about the same factor, so depth makes a power of it. What "
    "reaches the last layers is nearly the same for every input, and their gradients have nothing to tell inputs apart."
)

EXPLODING = Rule("exploding-signal", "activations grow with depth", "run", exploding)
VANISHING = Rule("vanishing-signal", "activations fade with depth, or all inputs come to look alike", "run", vanishing)
