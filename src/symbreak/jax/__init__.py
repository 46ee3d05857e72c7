"""JAX functions of a tree of parameters, as data that the rules of `diagnosis` read."""
