"""Lets the modules of this folder import each other as `check.cases`, `check.tasks`, ..."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

TESTS = str(Path(__file__).resolve().parent.parent)
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)

torch.set_num_threads(1)  # the models are tiny: a second thread costs more than it brings
