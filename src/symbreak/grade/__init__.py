"""Checking a learner's code: the lesson's checklist, and every function of the week, by their properties."""
