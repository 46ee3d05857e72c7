"""What theory says of a map before anything is trained: the edge of chaos, and the largest stable learning rate."""

from symbreak.experiments.theory.chaos import critical_gain as critical_gain
from symbreak.experiments.theory.lines import Line as Line
from symbreak.experiments.theory.lines import lines as lines
from symbreak.experiments.theory.sharpness import sharpness as sharpness
