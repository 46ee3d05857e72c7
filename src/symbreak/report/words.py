"""The sentences of the page: what was run, what came out, how to read each figure."""

from __future__ import annotations

from collections.abc import Sequence

from symbreak.experiments.result import CompareResult, Row
from symbreak.report.boundaries import kind
from symbreak.report.curves import CEILING, best, one_unit
from symbreak.report.format import listing, number, plural, shorten
from symbreak.report.html import Html, element, escape
from symbreak.report.plain import what
from symbreak.report.table import base_name, many_seeds, score_form, score_name, scored

OUTPUTS = {
    "tanh": "Heaps at -1 and 1 are saturated units: there the slope is almost zero, and little gradient passes.",
    "sigmoid": "Heaps at 0 and 1 are saturated units: there the slope is almost zero, and little gradient passes.",
    "relu": "The heap at 0 is what units do not answer to; a unit that is 0 for every example is dead and stays so.",
}

OPTIMIZERS = {"gd": "gradient descent", "adam": "Adam"}


def title(result: CompareResult) -> str:
    """Return the headline."""
    kind = "model" if result.network.model else "network"
    return f"{plural(len(result.rows), 'initialization')} of one {kind} on {shorten(result.data.name, 60)}"


def outcome(result: CompareResult) -> Html:
    """Return what came out, in one to three sentences."""
    first = best(result)
    if first is None:
        return escape("Every run overflowed before its last step." if result.rows else "No run was finished.")
    lowest = (
        f" ends at the lowest{' median' if many_seeds(result) else ''} training cost, "
        f"{number(first.final_cost.median)}; {_known(result)} {number(result.data.base_rate_cost)}."
    )
    return Html(" ".join([_sentence([first], lowest), *_never(result), *_tied(result)]))


def _known(result: CompareResult) -> str:
    return "knowing only the base rate costs" if result.data.base == "base-rate" else "the lowest cost at step 0 is"


def _never(result: CompareResult) -> list[Html]:
    rows = [row for row in result.rows if row.iterations_to_half_base_rate.median is None]
    half = " in most seeds" if many_seeds(result) else ""
    return [_sentence(rows, f" never got to half of that{half}.")] if rows else []


def _tied(result: CompareResult) -> list[Html]:
    wide = max(result.network.sizes[1:-1], default=1) > 1
    rows = [row for row in result.rows if wide and one_unit(row)]
    verb = "ends" if len(rows) == 1 else "end"
    return [_sentence(rows, f" {verb} with one effective unit in every hidden layer.")] if rows else []


def _sentence(subjects: Sequence[Row], rest: str) -> Html:
    return Html(listing([element("b", shorten(row.init)) for row in subjects]) + escape(rest))


def setup(result: CompareResult) -> list[tuple[str, str]]:
    """Return what was run, as pairs of a term and its description."""
    return [
        ("Data", _data(result)),
        ("Split", _split(result)),
        ("Network", _network(result)),
        ("Training", _training(result)),
        ("Seeds", f"{_seeds(result)}, the same for all"),
        ("Base rate", _base_rate(result)),
        *([("Notes", "; ".join(result.data.notes))] if result.data.notes else []),
    ]


def _data(result: CompareResult) -> str:
    data = result.data
    if result.network.model:
        return data.name
    features = f"{plural(len(data.features), 'feature')} ({listing([shorten(name) for name in data.features], 4)})"
    if not data.classes:
        return f"{data.name}: {features}"
    return f"{data.name}: {features}, {len(data.classes)} classes ({listing([shorten(c) for c in data.classes], 6)})"


def _split(result: CompareResult) -> str:
    data = result.data
    if result.network.model:
        return f"costs are measured on {plural(data.training_samples, 'sample')} of training, nothing is held out"
    held = f"{plural(data.held_out_samples, 'sample')} held out" if data.held_out_samples else "nothing is held out"
    scaled = "features standardised on the training split" if data.standardized else "features as they are"
    return f"{plural(data.training_samples, 'sample')} to train on, {held}; {scaled}"


def _network(result: CompareResult) -> str:
    return f"{what(result.network).removeprefix('network ')}, {result.network.loss} loss"


def _training(result: CompareResult) -> str:
    network = result.network
    method = OPTIMIZERS.get(network.optimizer, network.optimizer)
    batch = "all examples" if network.batch_size is None else f"batches of {network.batch_size}"
    steps = f"{plural(network.iterations, 'iteration')} of {method}, learning rate {network.learning_rate:g}"
    return f"{steps}, {batch} at each; {network.arithmetic} arithmetic"


def _seeds(result: CompareResult) -> str:
    return f"{plural(result.network.seeds, 'seed')} for each initialization"


def _base_rate(result: CompareResult) -> str:
    data = result.data
    if data.base != "base-rate":
        return f"not known for this loss; the lowest cost at step 0 stands for it, {number(data.base_rate_cost)}"
    if not scored(data):
        return f"a model that knows only the targets' frequencies or mean has cost {number(data.base_rate_cost)}"
    known = "how frequent the classes are" if data.score == "accuracy" else "the mean of the targets"
    score = score_form(data)(data.base_rate_score)
    return f"a model that knows only {known} has cost {number(data.base_rate_cost)}, {score_name(data)} {score}"


def read_cost(result: CompareResult) -> str:
    """Say how to read the cost curves."""
    runs = result.network.seeds
    line = (
        f"Each line is the median of {runs} seeds, its band holds the middle half of them."
        if many_seeds(result)
        else "Each line is one network."
    )
    return (
        f"{line} Lower is better. The dashed line is {_dashed(result)}: a curve that stays there "
        "has learned nothing more. A curve that falls late spent its first iterations leaving its start; one that "
        f"starts far above began by being confidently wrong.{_beyond(result)}"
    )


def _dashed(result: CompareResult) -> str:
    return "the cost of knowing only the base rate" if result.data.base == "base-rate" else "the lowest cost at step 0"


def _beyond(result: CompareResult) -> str:
    costs = (cost for row in result.rows for run in row.runs for _, cost in run.cost)
    ceiling = CEILING * result.data.base_rate_cost
    if not any(cost is None or cost > ceiling for cost in costs):
        return ""
    return f" Costs over {number(ceiling)} leave the figure at the top; a cross marks where a median overflows."


def read_score(result: CompareResult) -> str:
    """Say how to read the dots."""
    dots = "Each dot is one seed, the bar is their median. " if many_seeds(result) else "Each dot is one network. "
    beyond = " R2 below -1 lies beyond the left edge." if result.data.score == "r2" else ""
    where = "data that no network was trained on" if result.data.held_out_samples else "the very data it was trained on"
    name = base_name(result.data)
    return (
        f"{dots}The score is taken on {where}. The dashed line is the {name}. Dots far apart mean that with "
        f"this initialization the outcome is a matter of luck.{beyond}"
    )


def read_boundary(result: CompareResult) -> str:
    """Say how to read the decision boundaries."""
    seed = _seed(result)
    meaning = {
        "binary": "The colour is the answer: strong where the network is sure of a class, pale where it is not; the "
        "line is where it changes its mind.",
        "multiclass": "The colour is the class that the network finds likeliest.",
        "regression": "The colour is the predicted value, dots show the true one.",
    }[kind(result.data)]
    axes = f"{shorten(result.data.features[0])} grows to the right, {shorten(result.data.features[1])} upwards."
    return f"{meaning} {axes} {seed} A network whose units are all one unit can only draw what a single unit can."


def read_trajectories(result: CompareResult) -> str:
    """Say how to read the ways of the units."""
    first = "" if 0 < len(result.data.features) <= 2 else "first two "
    return (
        f"Each line is a unit of the first hidden layer on its way through the plane of its {first}weights, from the "
        f"rings to the dot. Units that go together draw one line, with a ring for each of them: what several rings "
        f"share is one unit as far as this picture can tell. {_seed(result)}"
    )


def read_activations(result: CompareResult) -> str:
    """Say how to read the histograms of activations."""
    special = OUTPUTS.get(result.network.activation, "One narrow heap means that units hardly answer to their input.")
    return f"Outputs of the layer's units over the training data. {special} {_seed(result)}"


def read_gradients(result: CompareResult) -> str:
    """Say how to read the histograms of gradients."""
    return (
        "Entries of the gradient of the layer's weights. All at 0: nothing moves them. After a training that has "
        f"settled they lie close around 0. Mind the axis: every panel has its own. {_seed(result)}"
    )


def _seed(result: CompareResult) -> str:
    seeds = sorted({row.detail.seed for row in result.rows if row.detail is not None})
    return f"Shown is seed {', '.join(map(str, seeds))}." if seeds else ""


def undrawn(row: Row) -> str:
    """Say why a row has no small panel."""
    return "not recorded" if row.detail is None else "nothing finite to draw"
