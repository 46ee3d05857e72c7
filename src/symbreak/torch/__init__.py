"""PyTorch: the right start for a whole model, fitted to a batch, proved years later; the same bits on all shards.

    symbreak.torch.init_(model, x, seed=0)                 # every parameter by the plan for this model
    print(symbreak.torch.describe(model, x))               # how it is wired: fans, branches, ties, heads
    print(symbreak.torch.plan(model, x))                   # which law, and why
    symbreak.torch.calibrate_(model, x)                    # fit the sizes to a batch
    start = symbreak.torch.manifest(model, symbreak.torch.plan(model, x), seed=0)
    symbreak.torch.verify(model, start)
    symbreak.torch.he_normal_(tensor, seed=0, name="layer.weight")

Nothing is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from symbreak.errors import MissingDependency

if TYPE_CHECKING:
    from symbreak.torch.buffers import reset_buffers_ as reset_buffers_
    from symbreak.torch.calibrating import calibrate_ as calibrate_
    from symbreak.torch.description import describe as describe
    from symbreak.torch.filling import fill_ as fill_
    from symbreak.torch.provenance import manifest as manifest
    from symbreak.torch.provenance import verify as verify
    from symbreak.torch.sharded import materialize_ as materialize_
    from symbreak.torch.starting import Plan as Plan
    from symbreak.torch.starting import init_ as init_
    from symbreak.torch.starting import plan as plan

_NAMES = {
    "Plan": "symbreak.torch.starting",
    "calibrate_": "symbreak.torch.calibrating",
    "describe": "symbreak.torch.description",
    "fill_": "symbreak.torch.filling",
    "init_": "symbreak.torch.starting",
    "manifest": "symbreak.torch.provenance",
    "materialize_": "symbreak.torch.sharded",
    "plan": "symbreak.torch.starting",
    "reset_buffers_": "symbreak.torch.buffers",
    "verify": "symbreak.torch.provenance",
}
_DROP_INS = "symbreak.torch.starting.drop_in"
__all__ = [
    "Plan",
    "calibrate_",
    "describe",
    "fill_",
    "init_",
    "manifest",
    "materialize_",
    "plan",
    "reset_buffers_",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name.startswith("__") or not (name in _NAMES or name.endswith("_")):
        raise AttributeError(f"module 'symbreak.torch' has no attribute {name!r}")
    try:
        importlib.import_module("torch")
    except ImportError as error:
        raise MissingDependency(
            f"symbreak.torch.{name} needs PyTorch\n  got: no torch\n  allowed: torch\n"
            "  try: pip install 'symbreak[torch]'"
        ) from error
    try:
        return getattr(importlib.import_module(_NAMES.get(name, _DROP_INS)), name)
    except AttributeError:
        raise AttributeError(f"module 'symbreak.torch' has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted([*__all__, *importlib.import_module(_DROP_INS).DROP_INS])
