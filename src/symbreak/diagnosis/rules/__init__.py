"""The rules, in the order in which they are reported: causes before what follows from them."""

from __future__ import annotations

from symbreak.diagnosis.rules import (
    cloned_layers,
    dead_units,
    gradient_size,
    loss_at_init,
    non_finite,
    output_bias,
    overwritten_init,
    plateau,
    saturated_units,
    shape_broadcast,
    signal_size,
    sound_zero,
    stuck_parameters,
    symmetric_units,
    uninitialized_memory,
    wrong_scale,
)
from symbreak.diagnosis.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    non_finite.RULE,
    uninitialized_memory.RULE,
    overwritten_init.RULE,
    cloned_layers.RULE,
    symmetric_units.RULE,
    stuck_parameters.RULE,
    shape_broadcast.RULE,
    loss_at_init.RULE,
    output_bias.RULE,
    wrong_scale.RULE,
    signal_size.EXPLODING,
    signal_size.VANISHING,
    gradient_size.EXPLODING,
    gradient_size.VANISHING,
    saturated_units.RULE,
    dead_units.RULE,
    plateau.RULE,
    sound_zero.RULE,
)
