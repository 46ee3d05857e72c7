"""The boundary between networks that train and networks that do not, and its dimension: arXiv:2402.06184, repeated."""

from symbreak.experiments.fractal.boundary import box_counts as box_counts
from symbreak.experiments.fractal.boundary import dimension as dimension
from symbreak.experiments.fractal.boundary import edges as edges
from symbreak.experiments.fractal.boundary import slopes as slopes
from symbreak.experiments.fractal.running import Frame as Frame
from symbreak.experiments.fractal.running import draw as draw
from symbreak.experiments.fractal.running import zoom as zoom
from symbreak.experiments.fractal.setting import Setting as Setting
from symbreak.experiments.fractal.setting import Window as Window
