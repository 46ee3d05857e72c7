"""One start over all its seeds: medians, ranges, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from symbreak.experiments.result import Detail, Ends, Row, Run, Spread
from symbreak.experiments.verdict import Facts, status, verdict


def row(init: str, law: str, facts: Facts, detail: Detail | None) -> Row:
    """Return the row of one start: what its runs have in common, and what is to be said of them."""
    runs = tuple(facts.runs)
    return Row(
        init=init,
        law=law,
        final_cost=_spread([run.final_cost for run in runs]),
        accuracy=_spread([run.accuracy for run in runs], worst_is_high=facts.score == "cost"),
        iterations_to_half_base_rate=_spread([run.iterations_to_half_base_rate for run in runs]),
        gradient_norm=_spread([run.gradient_norm for run in runs]),
        effective_units=_median_ends(runs, "effective_units"),
        saturated=_median_ends(runs, "saturated"),
        dead=_median_ends(runs, "dead"),
        overflowed=sum(run.overflowed_at is not None for run in runs),
        verdict=verdict(facts),
        status=status(facts),
        runs=runs,
        detail=detail,
    )


def _spread(values: Sequence[float | None], *, worst_is_high: bool = True) -> Spread:
    """Median and range; None (never, or overflowed) counts as the worst there is."""
    worst = float("inf") if worst_is_high else float("-inf")
    ordered = sorted(worst if value is None else value for value in values)
    middle = median(ordered)
    low, mid, high = (None if abs(v) == float("inf") or v != v else v for v in (ordered[0], middle, ordered[-1]))
    return Spread(mid, low, high)


def _median_ends(runs: Sequence[Run], name: str) -> Ends:
    ends = [getattr(run, name) for run in runs]
    starts = tuple(median(values) for values in zip(*(e.start for e in ends), strict=True))
    # Where most runs overflowed there is no median end.
    last = [_spread(values).median for values in zip(*(e.end for e in ends), strict=True)]
    return Ends(starts, tuple(last))
