"""Many networks of one architecture, trained at once: compiled, on all cores, with the bits of the reference."""

from symbreak.network.engine.many import train_many as train_many
from symbreak.network.engine.trained import Memory as Memory
from symbreak.network.engine.trained import Trained as Trained
