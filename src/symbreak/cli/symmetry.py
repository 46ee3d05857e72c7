"""`symbreak symmetry`: the proof by induction for a network's start, printed, verified and replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

Init = Annotated[
    list[str] | None,
    typer.Option(help="How the weights start; one for all layers, or one for each.", show_default="zeros"),
]
Activation = Annotated[str | None, typer.Option(help="Of the hidden layers.", show_default="tanh")]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write what was found as JSON; - prints it alone.", show_default=False),
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
    from symbreak.experiments.settings import parse_layers
    from symbreak.front.proof import prove_starts
    from symbreak.report import files

    if json_file not in (None, "-"):
        files.check_json_path(str(json_file))
    found = prove_starts(
        init, activation, data=data, target=target, layers=parse_layers(layers), seed=seed, optimizer=optimizer,
        learning_rate=learning_rate, steps=steps,
    )  # fmt: skip
    if json_file != "-":
        for proof in found:
            print(f"{proof}\n")  # noqa: T201
    if json_file is not None:
        records = [proof.to_json() for proof in found]
        text = json.dumps(records if len(records) > 1 else records[0])
        if json_file == "-":
            print(text)  # noqa: T201
        else:
            files.write_whole(Path(json_file), text.encode())
