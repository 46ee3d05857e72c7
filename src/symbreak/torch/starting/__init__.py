"""The right start for a whole model: which law each parameter gets and why, and its application."""

from symbreak.torch.starting.apply import init_ as init_
from symbreak.torch.starting.planning import plan as plan
from symbreak.torch.starting.table import Entry as Entry
from symbreak.torch.starting.table import Plan as Plan
