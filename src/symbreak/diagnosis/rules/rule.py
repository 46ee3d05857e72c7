"""What a rule is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Literal

from symbreak.diagnosis.chain import Chain, chain, contradicted_by_gradients
from symbreak.diagnosis.clones import clones
from symbreak.diagnosis.colours import Colours, Progress, refine
from symbreak.diagnosis.finding import Finding
from symbreak.diagnosis.invariance import Swap
from symbreak.diagnosis.mirroring import mirrored
from symbreak.diagnosis.observation import Observation, Parameter
from symbreak.diagnosis.reach import Reach, confirmed, contradicted, reach
from symbreak.diagnosis.renaming import Tie, placed, ties
from symbreak.diagnosis.symmetry import Symmetry, symmetry
from symbreak.diagnosis.wires import Wires
from symbreak.diagnosis.witnessing import Witness, witnessed

Need = Literal["values", "run", "loss", "builder"]
MISSING = {
    "run": "needs an input: check(model, x)",
    "loss": "needs y and a loss: check(model, x, y, loss_fn)",
    "builder": "needs a builder: check(build_model, ...)",
}


@dataclass(frozen=True, eq=False)
class Context:
    """An observation, and what several rules work out from it, once; `progress` hears of what takes long."""

    observation: Observation
    progress: Progress | None = None

    @cached_property
    def wires(self) -> Wires:
        """The operations as a graph."""
        return Wires(self.observation)

    @cached_property
    def reach(self) -> Reach:
        """What stays tied and what stays put."""
        pairs = [pair for swap in self.swaps for pair in swap.pairs]
        pairs += [(same[0].name, other.name) for same in self.clones for other in same[1:]]
        return reach(self.observation, pairs)

    @cached_property
    def clones(self) -> tuple[list[Parameter], ...]:
        """Groups of random tensors that are equal to the last bit."""
        return tuple(clones(self.observation))

    @cached_property
    def swaps(self) -> tuple[Swap, ...]:
        """Exchanges of modules that change no output, where the gradients on the batch are those of one module too."""
        return tuple(swap for swap in self.observation.swaps if confirmed(self.observation, swap))

    @cached_property
    def chain(self) -> Chain | None:
        """The model as a network, if it is a plain chain of linear layers."""
        return self._proved[0] if self._proved is not None else None

    @cached_property
    def symmetry(self) -> Symmetry | None:
        """What is proved of the chain."""
        return self._proved[1] if self._proved is not None else None

    @cached_property
    def _proved(self) -> tuple[Chain, Symmetry] | None:
        """A chain and its proof, unless the gradients show that the model is something else."""
        found = chain(self.wires)
        proof = symmetry(found.network) if found is not None else None
        if found is None or proof is None or contradicted_by_gradients(found, proof, self.observation):
            return None
        return found, proof

    @cached_property
    def colours(self) -> Colours | None:
        """What training keeps tied and at zero, at all; None if the observation does not go so deep."""
        seen = self.observation
        return refine(seen.parameters, seen.look, progress=self.progress) if seen.look is not None else None

    @cached_property
    def witness(self) -> Witness | None:
        """What a few real steps keep of the colours."""
        return witnessed(self.observation, self.colours) if self.colours is not None else None

    @cached_property
    def ties(self) -> tuple[Tie, ...]:
        """Units that a renaming exchanges: one unit for ever."""
        return tuple(tie for tie in ties(self.observation) if not self._is_contradicted(tie))

    @cached_property
    def mirrors(self) -> tuple[Tie, ...]:
        """Units that a renaming with signs exchanges: one unit for ever, up to a sign."""
        return tuple(tie for tie in mirrored(self.observation) if not self._is_contradicted(tie))

    def _is_contradicted(self, tie: Tie) -> bool:
        return any(
            contradicted(self.observation, m.parameter, m.axis, placed(m, tie.space.size, tie.groups))
            for m in tie.space.members
        )

    def lacks(self, need: Need) -> bool:
        """Tell whether the observation lacks what a rule needs."""
        seen = self.observation
        return {
            "values": False,
            "run": not seen.operations,
            "loss": seen.loss is None,
            "builder": not seen.events,
        }[need]


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        slug: its name.
        summary: one line.
        needs: what it must be given.
        find: looks for what is wrong, or unusual and right.
    """

    slug: str
    summary: str
    needs: Need
    find: Callable[[Context], Iterable[Finding]]

    @property
    def page(self) -> str:
        """What `symbreak explain` tells, in Markdown: what it says, how it is decided, when it is silent."""
        return (files("symbreak.diagnosis.rules") / "pages" / f"{self.slug}.md").read_text(encoding="utf-8")
