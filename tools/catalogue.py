"""Print the catalogue of initializers with their laws."""

from __future__ import annotations

from symbreak import initializers

EXAMPLES = {"constant": "constant(0.5)"}

if __name__ == "__main__":
    for name in initializers.CATALOGUE:
        init = initializers.get(EXAMPLES.get(name, name))
        print(f"{init!s:<46}  {init.formula}")
