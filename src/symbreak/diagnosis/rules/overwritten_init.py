"""What construction did to parameters: a special start that a later sweep overwrote, one that nothing ever wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Event
from symbreak.diagnosis.rules.rule import Context, Rule


def find(context: Context) -> Iterator[Finding]:
    """Report parameters without any write, and special values that a write to many parameters replaced."""
    by_name: dict[str, list[Event]] = defaultdict(list)
    reach: dict[str, set[str]] = defaultdict(set)
    for event in sorted(context.observation.events, key=lambda event: event.order):
        by_name[event.parameter].append(event)
        reach[event.where].add(event.parameter)
    for name, events in by_name.items():
        if not context.observation.parameter(name).judged:
            continue
        if all(event.operation == "empty" for event in events):
            yield _unwritten(name, events[0])
        else:
            yield from _overwritten(name, [e for e in events if not e.own and e.operation != "empty"], reach)


def _overwritten(name: str, events: Sequence[Event], reach: dict[str, set[str]]) -> Iterator[Finding]:
    """The last write counts; an earlier one from a line that wrote fewer parameters was meant for this one."""
    if not events:
        return
    last = events[-1]
    for special in events[:-1]:
        if special.where != last.where and len(reach[special.where]) < len(reach[last.where]):
            yield _finding(name, special, last, len(reach[last.where]))
            return


def _finding(name: str, special: Event, last: Event, swept: int) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="proved",
        where=Where(parameters=(name,)),
        says=f"{name} was given its own start by {special.operation} at {special.where}; then {last.operation} at "
        f"{last.where}, which goes over {swept} parameters, overwrote it",
        measured={"swept": swept},
        expected="the special start last",
        why="Initialization by a sweep (model.apply, a loop over named_parameters) runs after the layers were built, "
        "and takes no notice of what was set with care before.",
        fix=f"# set {name} after the sweep, not before",
        evidence={"special": special.where, "sweep": last.where},
    )


def _unwritten(name: str, event: Event) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved",
        where=Where(parameters=(name,)),
        says=f"nothing initialized {name}: its memory was reserved at {event.where} and never written",
        expected="a write by an initializer",
        why="torch.empty reserves memory and leaves in it what was there: other values in every run, often zeros or "
        "tiny numbers, sometimes nan.",
        fix=f"torch.nn.init.normal_(model.get_parameter({name!r}), std=0.02)  # or as its layer asks for",
        evidence={"reserved": event.where},
    )


RULE = Rule("overwritten-init", "construction overwrote a special start, or initialized nothing", "builder", find)
