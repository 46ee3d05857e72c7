"""`compare` for a user's own PyTorch model: the same rows, verdicts and result as for the lesson's network."""

from symbreak.experiments.models.comparison import compare as compare
from symbreak.experiments.models.optimizers import named_optimizer as named_optimizer
from symbreak.experiments.models.settings import DEFAULT_STARTS as DEFAULT_STARTS
from symbreak.experiments.models.settings import Settings as Settings
from symbreak.experiments.models.settings import Task as Task
from symbreak.experiments.models.starts import start_text as start_text
