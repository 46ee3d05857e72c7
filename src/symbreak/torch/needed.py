"""Which operations the end of a pass depends on, and whether memory that one writes is read by another."""

from __future__ import annotations

from collections import Counter

from symbreak.torch.operations import kind_of
from symbreak.torch.trace import Ref, Trace


def needed_records(trace: Trace) -> set[int] | None:
    """Return the records that the end depends on; None if one of them writes to memory that another one reads."""
    found: set[int] = set()
    waiting = [end.record for end in (*trace.ends, *trace.numbers) if isinstance(end, Ref)]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += [ref.record for ref in trace.records[index].refs]
    readers = Counter(ref for index in found for ref in set(trace.records[index].refs))
    for index in found:
        record = trace.records[index]
        if record.target.endswith("_") and not record.target.startswith("__"):
            target = next(iter(record.arguments.values()))
            views = isinstance(target, Ref) and kind_of(trace.records[target.record].target) == "shape"
            if not isinstance(target, Ref) or views or readers[target] > 1:
                return None
    return found
