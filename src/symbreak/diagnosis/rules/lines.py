"""Lines of code that findings offer: they touch what is judged and nothing else, and go by the activations."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from symbreak.diagnosis.rules.rule import Context

# One-sided curves halve what comes in, which He's law makes up for.
ONE_SIDED = ("relu", "leaky_relu", "prelu", "gelu", "silu", "elu", "mish", "softplus", "hardswish")

# Sums of fewer branches grow less than twofold.
MANY = 4
NO_LAW = (
    "# no weights do it: a sigmoid's slope is at most 1/4 and its mean 1/2. ReLU or tanh instead, or a normalization "
    "before it"
)


def drawn_anew(context: Context, *, mode: str = "fan_in", tables: bool = False) -> str:
    """Return lines that draw every judged weight of a product or convolution by the law that its activations ask for.

    A loop over all matrices where hardly any is to be left out, else over names. `tables` takes embeddings too.
    """
    chosen = _weights(context, ("linear", "conv", "embedding") if tables else ("linear", "conv"))
    if not chosen:
        return ""
    call = _law(context, mode)
    if call is None:
        return NO_LAW
    return "\n".join((_drawn(context, chosen, call), *_branches(context, chosen)))


def _drawn(context: Context, chosen: list[str], call: str) -> str:
    matrices = [p.name for p in context.observation.parameters if len(p.shape) > 1 and not p.buffer]
    others = [name for name in matrices if name not in chosen]
    if len(others) > len(chosen):
        return f"for name in {tuple(chosen)!r}:\n    {call.format('model.get_parameter(name)')}"
    but = f" and name not in {tuple(others)!r}" if others else ""
    loop = "for name, weight in model.named_parameters():"
    return f"{loop}\n    if weight.dim() > 1{but}:\n        {call.format('weight')}"


def reset(modules: Collection[str], parameters: Collection[str]) -> str:
    """Return lines that let modules draw their own start once more; a name that is a parameter's is drawn."""
    drawn = [name for name in modules if name in parameters]
    lines = [f"torch.nn.init.xavier_normal_(model.get_parameter({name!r}))" for name in drawn]
    paths = tuple(name for name in modules if name not in parameters)
    if paths:
        lines += [
            f"for path in {paths!r}:",
            "    for module in model.get_submodule(path).modules():",
            "        for name in ('reset_parameters', '_reset_parameters'):",
            "            getattr(module, name, lambda: None)()  # after copying, not before",
        ]
    return "\n".join(lines)


def roots(names: Collection[str]) -> tuple[str, ...]:
    """Return where copies hang: their names without the parts at the end that are the same in all.

    >>> roots(["layers.0.norm.weight", "layers.1.norm.weight"])
    ('layers.0', 'layers.1')
    """
    parts = [name.split(".") for name in names]
    while len({each[-1] for each in parts}) == 1 and min(map(len, parts)) > 1:
        parts = [each[:-1] for each in parts]
    return tuple(".".join(each) for each in parts)


def _weights(context: Context, kinds: Collection[str]) -> list[str]:
    used = [op.weight.parameter for op in context.wires.operations if op.weight and op.kind in kinds]
    found = [context.observation.parameter(name) for name in dict.fromkeys(used)]
    return [p.name for p in found if p.judged and p.trainable and len(p.shape) > 1]


def _branches(context: Context, chosen: Collection[str]) -> Iterator[str]:
    """Yield lines that keep a sum of many branches from growing, where no normalization does."""
    trunk = {op.index for op in context.wires.trunk}
    ends = [
        op.weight.parameter
        for op in context.wires.weighted
        if op.weight is not None and op.weight.parameter in chosen and op.index not in trunk
        if any(r.kind == "add" and r.index in trunk and len(r.inputs) > 1 for r in context.wires.readers(op))
    ]
    names = tuple(dict.fromkeys(ends))
    if len(names) >= MANY and not any(op.kind == "norm" for op in context.wires.operations):
        yield f"for name in {names!r}:  # ends of branches"
        yield f"    model.get_parameter(name).data.mul_({len(names)} ** -0.5)"


def _law(context: Context, mode: str) -> str | None:
    names = [op.name.partition("(")[0] for op in context.wires.operations if op.kind == "activation"]
    if 2 * names.count("sigmoid") > len(names):
        return None
    one_sided = sum(name in ONE_SIDED for name in names)
    if 2 * one_sided > len(names):
        return f"torch.nn.init.kaiming_normal_({{}}, mode='{mode}', nonlinearity='relu')"
    return "torch.nn.init.xavier_normal_({})"
