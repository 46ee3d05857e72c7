"""Maps: one network at every point of two axes, in a store that survives anything."""
