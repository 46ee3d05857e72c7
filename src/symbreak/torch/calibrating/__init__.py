"""Fitting the sizes of a model's weights to a batch: what each layer gives shall tell inputs apart, at every depth."""

from symbreak.torch.calibrating.calibrate import calibrate_ as calibrate_
from symbreak.torch.calibrating.calibration import Calibration as Calibration
from symbreak.torch.calibrating.calibration import Change as Change
