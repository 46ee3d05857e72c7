"""Callbacks for trainers: a check at step 0, and a watch over the first steps, where it is asked for."""
