"""Activations, portable elementary functions, expectations under the normal distribution."""

from symbreak.numerics.activations import Activation as Activation
from symbreak.numerics.activations import FlatRegion as FlatRegion
from symbreak.numerics.gaussian import expectation as expectation
