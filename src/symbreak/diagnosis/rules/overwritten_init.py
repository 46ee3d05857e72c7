"""What construction did to parameters: a special start that a later sweep overwrote, one that nothing ever wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import PAST, Event, Parameter
from symbreak.diagnosis.rules.rule import Context, Rule

Reach = Mapping[str, set[str]]
# What layers give by themselves to biases, and to gains of a normalization.
USUAL = (0.0, 1.0)


def find(context: Context) -> Iterator[Finding]:
    """Report what nothing wrote, special values that a sweep over more parameters replaced, what was written twice."""
    by_name: dict[str, list[Event]] = defaultdict(list)
    reach: dict[str, set[str]] = defaultdict(set)
    for event in sorted(context.observation.events, key=lambda event: event.order):
        by_name[event.parameter].append(event)
        if not event.own and event.operation not in ("empty", PAST):
            reach[event.where].add(event.parameter)
    twice: dict[tuple[str, str], list[tuple[Event, Event]]] = defaultdict(list)
    for name, events in by_name.items():
        parameter = context.observation.parameter(name)
        if not parameter.judged:
            continue
        if (unwritten := _unwritten(parameter, events)) is not None:
            yield unwritten
        elif (pair := _overwritten(parameter, events, reach)) is not None:
            yield _lost(name, *pair, len(reach[pair[1].where]))
        elif (last := _padding_lost(parameter, events)) is not None:
            yield _padded(name, last)
        elif (pair := _repeated(events, reach)) is not None:
            twice[pair[0].where, pair[1].where].append(pair)
    for pairs in twice.values():
        yield _twice(pairs)


def _unwritten(parameter: Parameter, events: Sequence[Event]) -> Finding | None:
    """Entries that were never written: of the memory that it has in the end, fewer were written than it holds."""
    begin = max((place for place, event in enumerate(events) if event.born), default=0)
    last = events[begin:]
    if last[0].operation != "empty" or any(event.operation == PAST for event in last):
        return None
    written = sum(event.entries for event in last if event.operation != "empty" and not event.update)
    size = parameter.summary.size
    return _garbage(parameter.name, last[0], written, size) if written < size else None


def _overwritten(parameter: Parameter, events: Sequence[Event], reach: Reach) -> tuple[Event, Event] | None:
    """Return a special start and what replaced it: the last write counts, if its line wrote more parameters."""
    place = _replacing(events)
    if place is None:
        return None
    last = events[place]
    for earlier in reversed(range(place)):
        special = events[earlier]
        before = next((e.value for e in reversed(events[:earlier]) if e.own or e.where != special.where), None)
        lost = special.where != last.where and not _unchanged(events, special, last)
        # A sweep over more parameters, or one that puts back what the layer had before, knew nothing of it.
        swept = len(reach[special.where]) < len(reach[last.where]) or (before is not None and last.value == before)
        if lost and swept and _special(special, parameter, before):
            return special, last
    return None


def _padding_lost(parameter: Parameter, events: Sequence[Event]) -> Event | None:
    """Return the draw that went over the row of zeros that an embedding keeps for padding, if none put it back."""
    place = _replacing(events)
    if place is None or parameter.module not in ("Embedding", "EmbeddingBag") or not events[place].random:
        return None
    row = [event.value == 0 and not event.whole for event in events]
    return events[place] if any(row[:place]) and not any(row[place:]) else None


def _replacing(events: Sequence[Event]) -> int | None:
    """Return the place of the last write that replaced all values, if the user's code asked for it and no file did."""
    for place in reversed(range(len(events))):
        event = events[place]
        if event.operation == PAST or event.operation == "empty":
            return None
        if event.whole and not event.update:
            return None if event.own or event.loading else place
    return None


def _unchanged(events: Sequence[Event], first: Event, last: Event) -> bool:
    """Whether the later lines wrote what was there already."""
    left = [event.after for event in events if event.where == first.where and event.order <= last.order]
    made = [event.after for event in events if event.where == last.where]
    return left[-1] == made[-1]


def _special(event: Event, parameter: Parameter, before: float | None) -> bool:
    """Whether a write gave values that were meant for this parameter, and not those of any layer of its kind."""
    if event.own or event.loading or event.update or event.operation in ("empty", PAST):
        return False
    if event.random:
        return not event.made
    if not event.whole:
        return not (event.made and event.value == 0)
    if event.value not in USUAL:
        return True
    if len(parameter.shape) > 1:
        return not (event.born and event.made)  # its own torch.zeros(n, m) keeps a place
    if event.value == 0:
        return before == 1
    return not event.made and not event.born and before != 1


def _repeated(events: Sequence[Event], reach: Reach) -> tuple[Event, Event] | None:
    """Return two writes of all values from different lines, each of which went over the same parameters."""
    place = _replacing(events)
    if place is None or events[place].made or events[place].born:
        return None
    last = events[place]
    for first in reversed(events[:place]):
        explicit = first.whole and not (first.own or first.loading or first.update or first.made or first.born)
        if explicit and first.operation not in ("empty", PAST) and first.where != last.where:
            same = reach[first.where] == reach[last.where] and not _unchanged(events, first, last)
            return (first, last) if same else None
    return None


def _lost(name: str, special: Event, last: Event, swept: int) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="proved",
        where=Where(parameters=(name,)),
        says=f"{name} was given its own start by {special.by} at {special.where}; then {last.by} at "
        f"{last.where}, which goes over {swept} parameters, overwrote it",
        measured={"swept": swept, **({"lost_value": special.value} if special.value is not None else {})},
        expected="the special start last",
        why="Initialization by a sweep (model.apply, a loop over named_parameters) runs after the layers were built, "
        "and takes no notice of what was set with care before.",
        fix=_again(name, special),
        evidence={"special": special.where, "sweep": last.where, "order": [special.order, last.order]},
    )


def _padded(name: str, last: Event) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="info",
        status="proved",
        where=Where(parameters=(name,)),
        says=f"{name} had a row of zeros for padding; {last.by} at {last.where} drew it like all others",
        measured={"rows": 1},
        expected="a row of zeros, or a mask wherever padding is read",
        why="padding_idx keeps the gradient from that row, so what was drawn stays: padding counts as a word that is "
        "never learned. Where a mask leaves padding out, it does no harm.",
        fix=f"# with torch.no_grad(): model.get_parameter({name!r})[padding_idx].zero_()  # after the sweep",
        evidence={"sweep": last.where, "order": [last.order]},
    )


def _again(name: str, special: Event) -> str:
    """Write the special start as code, to stand after the sweep; a note where it cannot be told."""
    model = f"model.get_parameter({name!r})"
    if special.whole and special.value is not None:
        return f"with torch.no_grad():\n    {model}.fill_({special.value!r})  # after the sweep, not before"
    if special.whole and special.call:
        return f"{special.call.format(model)}  # after the sweep, not before"
    return f"# set {name} after the sweep, not before"


def _garbage(name: str, event: Event, written: int, size: int) -> Finding:
    done = f"{written} of its {size} entries were written" if written else "and never written"
    return Finding(
        rule=RULE.slug,
        severity="error",
        status="proved",
        where=Where(parameters=(name,)),
        says=f"nothing initialized {name}: its memory was reserved at {event.where} {done}"
        if not written
        else f"{name} is initialized in part: its memory was reserved at {event.where}, and {done} since",
        measured={"written": written, "size": size},
        expected="a write by an initializer to every entry",
        why="torch.empty reserves memory and leaves in it what was there: other values in every run, often zeros or "
        "tiny numbers, sometimes nan.",
        fix=f"torch.nn.init.normal_(model.get_parameter({name!r}), std=0.02)  # or as its layer asks for",
        evidence={"reserved": event.where},
    )


def _twice(pairs: Sequence[tuple[Event, Event]]) -> Finding:
    first, last = pairs[0]
    names = tuple(one.parameter for one, _ in pairs)
    return Finding(
        rule=RULE.slug,
        severity="info",
        status="proved",
        where=Where(parameters=names),
        says=f"initialized twice: by {first.by} at {first.where}, then by {last.by} at {last.where}",
        measured={"parameters": len(names)},
        expected="one start for each parameter",
        why="Only the last write counts. If the first one was meant to stay, it is lost; if not, its line can go.",
        fix=f"# keep one of the two lines: {first.where}, {last.where}",
        evidence={"first": first.where, "last": last.where, "order": [first.order, last.order]},
    )


RULE = Rule("overwritten-init", "construction overwrote a special start, or initialized nothing", "builder", find)
