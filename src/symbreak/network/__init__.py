"""The lesson's network at any depth, forward, backward, and its training, alone or many at once."""

from symbreak.network.engine import Memory as Memory
from symbreak.network.engine import Trained as Trained
from symbreak.network.engine import train_many as train_many
from symbreak.network.network import Network as Network
from symbreak.network.network import stack as stack
from symbreak.network.propagation import Backward as Backward
from symbreak.network.propagation import Forward as Forward
from symbreak.network.propagation import backward as backward
from symbreak.network.propagation import cost as cost
from symbreak.network.propagation import forward as forward
from symbreak.network.training import Step as Step
from symbreak.network.training import descend as descend
