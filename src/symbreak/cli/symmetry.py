"""`symbreak symmetry`: the proof by induction for a network's start, printed, verified and replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from symbreak.network import Network

Init = Annotated[
    list[str] | None,
    typer.Option(help="How the weights start; one for all layers, or one for each.", show_default="zeros"),
]
Activation = Annotated[str | None, typer.Option(help="Of the hidden layers.", show_default="tanh")]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write what was found as JSON; - prints it alone.", show_default=False),
]

# The lesson's proof and its answers, told apart by g(0) and g'(0); last, a start where the proof must fail.
TOUR: list[tuple[tuple[str, ...], str]] = [
    (("zeros",), "sigmoid"),
    (("zeros",), "tanh"),
    (("zeros",), "relu"),
    (("zeros", "normal(1)"), "relu"),
    (("constant(0.5)", "normal(1)"), "tanh"),
]


def command(
    init: Init = None,
    layers: Annotated[str, typer.Option(help="Sizes of the hidden layers: 4, or 64,64.")] = "4",
    activation: Activation = None,
    data: Annotated[
        str, typer.Option(help="A data set by name or a file: for the sizes, and for the replay.")
    ] = "planar",
    target: Annotated[str | None, typer.Option(help="The column to learn, for files.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of random weights.")] = 0,
    optimizer: Annotated[str, typer.Option(help="gd, momentum, adam, adamw, ...")] = "gd",
    learning_rate: Annotated[float, typer.Option(help="For the replay and the forecast.")] = 1.2,
    steps: Annotated[int, typer.Option(help="Updates to replay; 0 for none.")] = 1000,
    json_file: JsonFile = None,
) -> None:
    """Tell which hidden units are one unit for ever, and prove it on these very numbers.

    Without --init and --activation: the lesson's network from zeros under sigmoid, tanh and ReLU, with W1 alone zero
    under ReLU, and from equal W1 but random W2, where the proof must fail.
    """
    from symbreak.experiments import Settings, prepare
    from symbreak.experiments.settings import parse_layers
    from symbreak.report import files

    if json_file not in (None, "-"):
        files.check_json_path(str(json_file))
    sizes = parse_layers(layers)
    problem, _ = prepare(Settings(data=data, target=target, layers=sizes, learning_rate=learning_rate))
    shape = (problem.train.n_x, *sizes, problem.train.n_y)
    cases = [(tuple(init or ["zeros"]), activation or "tanh")] if init or activation else _tour(len(shape) - 1)
    found = [
        _show(
            _network(shape, start, name, seed, problem.loss), start, optimizer, problem.train, learning_rate, steps,
            quiet=json_file == "-",
        )
        for start, name in cases
    ]  # fmt: skip
    text = json.dumps(found if len(found) > 1 else found[0])
    if json_file == "-":
        print(text)  # noqa: T201
    elif json_file is not None:
        files.write_whole(Path(json_file), text.encode())


def _tour(layers: int) -> list[tuple[tuple[str, ...], str]]:
    return [(start, name) for start, name in TOUR if len(start) in (1, layers)]


def _network(shape: tuple[int, ...], start: tuple[str, ...], activation: str, seed: int, loss: str) -> Network:
    from symbreak.network import Network

    rule = start[0] if len(start) == 1 else start
    return Network.initialize(shape, rule, seed=seed, activation=activation, loss=loss)


def _show(
    network: Network,
    start: tuple[str, ...],
    optimizer: str,
    data: Any,
    learning_rate: float,
    steps: int,
    *,
    quiet: bool,
) -> dict[str, Any]:
    """Print what is found of one network, and return it."""
    from symbreak.diagnosis.symmetry import symmetry

    result = symmetry(network, optimizer=optimizer)
    certificate = result.certificate
    verification = certificate.verify(network)
    replayed = None
    if steps and result.proved:
        replayed = certificate.replay(network, data, steps=steps, learning_rate=learning_rate, optimizer=optimizer)
    if not quiet:
        layers = zip(range(1, 1 + len(start)), start, strict=True)
        names = start[0] if len(start) == 1 else ", ".join(f"W{layer} {init}" for layer, init in layers)
        title = f"{names}, with {network.activation.text}"
        parts = [title, "=" * len(title), str(result), "", str(certificate), "", str(verification)]
        print("\n".join([*parts, *([""] if replayed else []), *([str(replayed)] if replayed else []), ""]))  # noqa: T201
    return {
        "start": start,
        "symmetry": result.to_json(),
        "certificate": certificate.to_json(),
        "verified": bool(verification),
        "replay": replayed.to_json() if replayed else None,
    }
