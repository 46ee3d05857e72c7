"""The checks, one module for each function of the week."""
