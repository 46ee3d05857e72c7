# wrong: as many hidden units as examples
# caught by: sizes-values (warn)
# ruff: noqa


def layer_sizes(X, Y):
    n_x, n_h = X.shape
    return n_x, n_h, Y.shape[0]
