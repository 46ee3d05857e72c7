"""Activations that start in the flat part of their own curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Operation
from symbreak.diagnosis.rules.rule import Context, Rule

# Curves that level off on both sides.
SATURATING = frozenset(("tanh", "sigmoid", "hardtanh", "hardsigmoid", "erf"))
# Those that level off on one side are flat for up to half of all inputs when all is well, as is ReLU6; ReLU, which is
# flat to the last bit, belongs to dead-units.
ONE_SIDED = frozenset(("relu6", "gelu", "silu", "mish", "elu", "elu(1)", "selu", "hardswish"))
# With half of all slopes below a hundredth of the steepest, half of the gradient is lost at this layer alone.
SHARE = 0.5
ERROR_SHARE = 0.9
# Xavier's weights leave numbers as large as they come; of size 3, more than half saturate tanh.
LARGE = 3.0


def find(context: Context) -> Iterator[Finding]:
    """Report hidden activations of which more than half are flat, those of one place (as of all steps) together."""
    found: dict[tuple[str, str, str], list[tuple[float, float | None]]] = defaultdict(list)
    for operation in context.wires.operations:
        signal = operation.signal
        if operation.kind != "activation" or signal is None or signal.flat is None:
            continue
        most = SHARE if operation.name in SATURATING else ERROR_SHARE if operation.name in ONE_SIDED else 1.0
        if signal.flat <= most or not context.wires.leads_on(operation):
            continue
        source = next((op for op in context.wires.sources(operation) if op.weight is not None), None)
        size = source.signal.rms if source is not None and source.signal is not None else None
        weight = source.weight.parameter if source is not None and source.weight is not None else ""
        found[weight, operation.module, operation.name].append((signal.flat, size))
    for place, seen in found.items():
        yield _finding(context, *place, *max(seen, key=lambda each: each[0]), len(seen))
    yield from _attention(context)


def _attention(context: Context) -> Iterator[Finding]:
    """Report products of queries and keys so large that the softmax over them puts everything on one place."""
    told: set[str] = set()
    for operation in context.wires.operations:
        share = operation.attributes.get("sharp", 0.0)
        names = _compared(context, operation) if share > SHARE else ()
        known = [context.observation.parameter(name) for name in names]
        if any(p.judged and p.trainable for p in known) and not told & set(names):
            told.update(names)
            yield _one_hot(context, operation, share, names)


def _compared(context: Context, operation: Operation) -> tuple[str, ...]:
    """Return the weights that made the queries and the keys of an attention; none for a softmax of another kind."""
    operations = context.wires.operations
    product = operation
    while operation.kind != "attention" and product.kind != "matmul":
        if not product.inputs or product.kind not in ("softmax", "shape", "add", "multiply", "noise"):
            return ()
        product = operations[product.inputs[0]]
    names: list[str] = []
    for place in product.inputs[:2]:
        source = operations[place]
        while source.weight is None and source.inputs:
            source = operations[source.inputs[0]]
        names += [source.weight.parameter] if source.weight is not None else []
    return tuple(dict.fromkeys(names))


def _one_hot(context: Context, operation: Operation, share: float, names: tuple[str, ...]) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="error" if share > ERROR_SHARE else "warning",
        status="measured",
        where=Where(names, (operation.module,)),
        says=f"{share:.0%} of the places in the attention of {operation.module or 'the model'} look at one place alone",
        measured={"saturated": share},
        expected=f"scores q.k / sqrt(width) of size about 1, below {SHARE:.0%} of the softmax's rows one-hot",
        why="A weight p of a softmax has the slope p (1 - p), which is zero where one place has it all: no gradient "
        "comes back to queries and keys, and where a place looks was settled by the draw.",
        fix="\n".join(_lines(list(names), [])),
        synthetic=context.observation.synthetic,
    )


def _finding(
    context: Context, weight: str, module: str, name: str, flat: float, size: float | None, steps: int
) -> Finding:
    known = context.observation.parameters
    inside = [p.name for p in known if p.trainable and p.judged and p.name.rpartition(".")[0] == module and not weight]
    drawn = [weight] if weight else [name for name in inside if len(context.observation.parameter(name).shape) > 1]
    often = f", in the worst of {steps} steps" if steps > 1 else ""
    return Finding(
        rule=RULE.slug,
        severity="error" if flat > ERROR_SHARE else "warning",
        status="measured",
        where=Where((weight,) if weight else tuple(inside), (module,)),
        says=f"{flat:.0%} of the {name}s behind {weight or module or 'the model'} start saturated{often}",
        measured={"saturated": flat, **({"pre_activation_rms": size} if size is not None else {})}
        | ({"steps": steps} if steps > 1 else {}),
        expected=f"pre-activations of size about 1, below {SHARE:.0%} saturated",
        why="Where the curve is flat its slope is nearly zero, and so is every gradient that passes there. The "
        "unit's answer cannot be changed by a small step, however wrong it is.",
        fix="\n".join((*_lines(drawn, [name for name in inside if name not in drawn]), *_inputs(context, weight)))
        or "# smaller numbers on the way in: by smaller weights, a normalization, or a smaller factor",
        synthetic=context.observation.synthetic,
    )


def _inputs(context: Context, weight: str) -> Iterator[str]:
    """Yield what to do about inputs that saturate units whatever their weights."""
    for operation in context.wires.weighted:
        if operation.weight is not None and operation.weight.parameter == weight:
            size = context.wires.received(operation) or 0.0
            if size > LARGE:
                yield f"# and make what it reads smaller, now of size {size:.3g}: x = (x - x.mean(0)) / x.std(0)"
            return


def _lines(drawn: list[str], zeroed: list[str]) -> Iterator[str]:
    yield from (f"torch.nn.init.xavier_normal_(model.get_parameter({name!r}))" for name in drawn)
    yield from (f"torch.nn.init.zeros_(model.get_parameter({name!r}))" for name in zeroed)


RULE = Rule("saturated-units", "units start in the flat part of their activation", "run", find)
