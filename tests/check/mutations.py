"""All operators."""

from __future__ import annotations

from check import break_flow, break_scales, break_ties, break_values
from check.mutating import gather

MUTATIONS = gather([break_ties, break_flow, break_values, break_scales])
