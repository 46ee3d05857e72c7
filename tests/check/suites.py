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
    sound_defaults,
    sound_forms,
    sound_schemes,
    sound_zeros,
)
from check.cases import gather

BAD = gather([bad_symmetry, bad_frozen, bad_values, bad_loss, bad_signal, bad_scale, bad_construction])
SOUND = gather([sound_zeros, sound_schemes, sound_defaults, sound_forms])
