"""Experiments over many networks, and the results that they hand upward."""

from symbreak.experiments.comparison import compare as compare
from symbreak.experiments.comparison import prepare as prepare
from symbreak.experiments.result import CompareResult as CompareResult
from symbreak.experiments.settings import Settings as Settings
