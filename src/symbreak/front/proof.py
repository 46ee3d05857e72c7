"""`symbreak symmetry`: the proof for starts of one network, with its verification and its replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbreak.diagnosis.symmetry import Replay, Symmetry, Verification

# The lesson's proof and its answers, told apart by g(0) and g'(0); last, a start where the proof must fail.
TOUR: list[tuple[tuple[str, ...], str]] = [
    (("zeros",), "sigmoid"),
    (("zeros",), "tanh"),
    (("zeros",), "relu"),
    (("zeros", "normal(1)"), "relu"),
    (("constant(0.5)", "normal(1)"), "tanh"),
]


@dataclass(frozen=True, eq=False)
class Proof:
    """What was found of one start.

    Attributes:
        start: the initializer of all layers, or one for each.
        activation: of the hidden layers.
        symmetry: what holds for ever, with its certificate.
        verification: the certificate checked anew against the network.
        replay: so many updates of training, compared with what was proved; None without a proof or without updates.
    """

    start: tuple[str, ...]
    activation: str
    symmetry: Symmetry
    verification: Verification
    replay: Replay | None

    def __str__(self) -> str:
        named = [f"W{layer} {init}" for layer, init in enumerate(self.start, 1)]
        title = f"{self.start[0] if len(self.start) == 1 else ', '.join(named)}, with {self.activation}"
        parts = [
            f"{title}\n{'=' * len(title)}\n{self.symmetry}",
            str(self.symmetry.certificate),
            str(self.verification),
        ]
        return "\n\n".join([*parts, *([str(self.replay)] if self.replay else [])])

    def to_json(self) -> dict[str, Any]:
        """Return the finding, the certificate and the replay as JSON takes them."""
        return {
            "start": self.start,
            "symmetry": self.symmetry.to_json(),
            "certificate": self.symmetry.certificate.to_json(),
            "verified": bool(self.verification),
            "replay": self.replay.to_json() if self.replay else None,
        }


def prove_starts(
    init: list[str] | None = None,
    activation: str | None = None,
    *,
    data: str = "planar",
    target: str | None = None,
    layers: tuple[int, ...] = (4,),
    seed: int = 0,
    optimizer: str = "gd",
    learning_rate: float = 1.2,
    steps: int = 1000,
) -> list[Proof]:
    """Prove what a start keeps for ever, verify the certificate and replay `steps` updates.

    Without an initializer and an activation: the lesson's starts, one after the other.

    Raises:
        InvalidInput, UnknownName, InvalidData: as for a comparison with these settings.
    """
    from symbreak.diagnosis.symmetry import symmetry
    from symbreak.experiments import Settings, prepare
    from symbreak.network import Network

    problem, _ = prepare(Settings(data=data, target=target, layers=layers, learning_rate=learning_rate))
    sizes = (problem.train.n_x, *layers, problem.train.n_y)

    def prove(start: tuple[str, ...], name: str) -> Proof:
        rule = start[0] if len(start) == 1 else start
        network = Network.initialize(sizes, rule, seed=seed, activation=name, loss=problem.loss)
        found = symmetry(network, optimizer=optimizer)
        certificate, replayed = found.certificate, None
        if steps and found.proved:
            replayed = certificate.replay(
                network, problem.train, steps=steps, learning_rate=learning_rate, optimizer=optimizer
            )
        return Proof(start, network.activation.text, found, certificate.verify(network), replayed)

    asked = [(tuple(init or ["zeros"]), activation or "tanh")]
    tour = [(start, name) for start, name in TOUR if len(start) in (1, len(layers) + 1)]
    return [prove(start, name) for start, name in (asked if init or activation else tour)]
