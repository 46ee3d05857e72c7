"""symbreak: initialize a neural network, prove what its start will do, measure it, repair it."""

from symbreak._version import __version__ as __version__
