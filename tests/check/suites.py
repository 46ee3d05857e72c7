"""All cases."""

from __future__ import annotations

from check import (
    bad_construction,
    bad_frozen,
    bad_loss,
    bad_scale,
    bad_signal,
    bad_symmetry,
    bad_values,
    held_bad_flow,
    held_bad_structure,
    held_sound_nets,
    held_sound_tasks,
    second_bad,
    second_sound,
    sound_defaults,
    sound_forms,
    sound_schemes,
    sound_zeros,
    tried_bad,
    tried_sound,
)
from check.cases import gather

HELD = gather(
    [
        held_bad_structure,
        held_bad_flow,
        held_sound_nets,
        held_sound_tasks,
        tried_bad,
        tried_sound,
        second_bad,
        second_sound,
    ]
)
BAD = (
    *gather([bad_symmetry, bad_frozen, bad_values, bad_loss, bad_signal, bad_scale, bad_construction]),
    *(case for case in HELD if case.expect),
)
SOUND = (
    *gather([sound_zeros, sound_schemes, sound_defaults, sound_forms]),
    *(case for case in HELD if not case.expect),
)
