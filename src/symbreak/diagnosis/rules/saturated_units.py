"""Activations that start in the flat part of their own curve."""

from __future__ import annotations

from collections.abc import Iterator

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.rules.rule import Context, Rule

# Curves that level off on both sides.
SATURATING = frozenset(("tanh", "sigmoid", "hardtanh", "hardsigmoid", "erf"))
# Those that level off on one side are flat for up to half of all inputs when all is well, as is ReLU6; ReLU, which is
# flat to the last bit, belongs to dead-units.
ONE_SIDED = frozenset(("relu6", "gelu", "silu", "mish", "elu", "elu(1)", "selu", "hardswish"))
# With half of all slopes below a hundredth of the steepest, half of the gradient is lost at this layer alone.
SHARE = 0.5
ERROR_SHARE = 0.9


def find(context: Context) -> Iterator[Finding]:
    """Report hidden activations of which more than half are flat."""
    for operation in context.wires.operations:
        signal = operation.signal
        if operation.kind != "activation" or signal is None or signal.flat is None:
            continue
        most = SHARE if operation.name in SATURATING else ERROR_SHARE if operation.name in ONE_SIDED else 1.0
        if signal.flat <= most or not context.wires.leads_on(operation):
            continue
        source = next((op for op in context.wires.sources(operation) if op.weight is not None), None)
        size = source.signal.rms if source is not None and source.signal is not None else 0.0
        weight = source.weight.parameter if source is not None and source.weight is not None else None
        yield Finding(
            rule=RULE.slug,
            severity="error" if signal.flat > ERROR_SHARE else "warning",
            status="measured",
            where=Where((weight,) if weight else (), (operation.module,)),
            says=f"{signal.flat:.0%} of the {operation.name}s behind {weight or operation.module} start saturated",
            measured={"saturated": signal.flat, "pre_activation_rms": size},
            expected=f"pre-activations of size about 1, below {SHARE:.0%} saturated",
            why="Where the curve is flat its slope is nearly zero, and so is every gradient that passes there. The "
            "unit's answer cannot be changed by a small step, however wrong it is.",
            fix=f"torch.nn.init.xavier_normal_(model.get_parameter({weight!r}))" if weight else "",
            synthetic=context.observation.synthetic,
        )


RULE = Rule("saturated-units", "units start in the flat part of their activation", "run", find)
