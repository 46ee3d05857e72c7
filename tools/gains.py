"""Print the gain of every activation, by its three definitions."""

from __future__ import annotations

from symbreak import initializers
from symbreak.initializers.gains import KINDS
from symbreak.numerics import activations

if __name__ == "__main__":
    print(f"{'':<12}" + "".join(f"{kind:>16}" for kind in KINDS))
    for name in activations.CATALOGUE:
        print(f"{name:<12}" + "".join(f"{initializers.gain(name, kind=kind):>16.6f}" for kind in KINDS))
