"""Lets the modules of this folder import each other as `calibrating.models`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
for folder in (str(TESTS), str(TESTS.parent)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

torch.set_num_threads(1)  # the models are tiny: a second thread costs more than it brings
