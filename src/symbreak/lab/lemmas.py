"""The lemmas of the induction, looked at with bit equality; and what broke one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbreak.lab.race import Race


def lemmas(race: Race, index: int) -> list[dict[str, Any]]:
    """Return what is known of the four lemmas of one network, where its race stands."""
    return []
