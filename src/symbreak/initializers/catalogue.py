"""The names: each a function that returns an `Initializer`, and `get`, which reads their text form."""

from __future__ import annotations

from collections.abc import Callable

from symbreak import notation
from symbreak.initializers.elementwise import Constant, Normal, TruncatedNormal, Uniform, VarianceScaling
from symbreak.initializers.initializer import Initializer, Rule
from symbreak.initializers.structured import DeltaOrthogonal, Dirac, Identity, Orthogonal, Sparse


def zeros() -> Initializer:
    """w = 0. Right for biases; for all weights of a network with hidden units it makes them one unit."""
    return Initializer("zeros", Constant(0.0))


def ones() -> Initializer:
    """w = 1."""
    return Initializer("ones", Constant(1.0))


def constant(value: float) -> Initializer:
    """w = value."""
    return _named("constant", (value,), Constant(value))


def normal(scale: float = 0.01, mean: float = 0.0) -> Initializer:
    """N(mean, scale^2), not truncated: `scale` is the standard deviation. normal(0.01) is the lesson's start."""
    return _named("normal", (scale, mean) if mean else (scale,), Normal(scale, mean))


def uniform(low: float = -0.05, high: float = 0.05) -> Initializer:
    """U[low, high)."""
    return _named("uniform", (low, high), Uniform(low, high))


def truncated_normal(
    scale: float = 0.02, low: float = -2.0, high: float = 2.0, correct_variance: bool = False
) -> Initializer:
    """N(0, scale^2) cut to [low, high], in standard deviations.

    The cut makes the spread smaller than `scale` (0.88 of it at two standard deviations); `correct_variance` makes the
    standard deviation `scale` again, for any bounds.
    """
    rule = TruncatedNormal(scale, low, high, correct_variance)
    return _named("truncated_normal", (scale, low, high, *([True] if correct_variance else [])), rule)


def variance_scaling(scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal") -> Initializer:
    """Variance scale / fan with mean 0; the family that He, Xavier/Glorot and LeCun belong to.

    Args:
        scale: variance times fan, >= 0.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "normal" (not truncated), "truncated_normal" (at two standard deviations, variance corrected) or
            "uniform".
    """
    rule = VarianceScaling(scale, mode, distribution)
    return _named("variance_scaling", (scale, mode, distribution), rule)


def xavier() -> Initializer:
    """N(0, 1/fan_in), not truncated.

    Warning: this is the lesson's fan-in form, randn(n_out, n_in) * sqrt(1/n_in). What Xavier Glorot and Yoshua Bengio
    published has variance 2/(fan_in + fan_out): `glorot_normal` and `glorot_uniform`, which PyTorch calls
    xavier_normal_ and xavier_uniform_. They differ unless fan_in = fan_out.
    """
    return Initializer("xavier", VarianceScaling(1.0, "fan_in", "normal"))


def glorot_normal() -> Initializer:
    """N(0, 2/(fan_in + fan_out)), not truncated (as in PyTorch; JAX, Keras truncate). Glorot and Bengio, 2010."""
    return Initializer("glorot_normal", VarianceScaling(1.0, "fan_avg", "normal"))


def glorot_uniform() -> Initializer:
    """U(+-sqrt(6/(fan_in + fan_out))). Glorot and Bengio, AISTATS 2010, equation 16."""
    return Initializer("glorot_uniform", VarianceScaling(1.0, "fan_avg", "uniform"))


def he_normal() -> Initializer:
    """N(0, 2/fan_in), not truncated (as in PyTorch; JAX and Keras truncate). He et al., arXiv:1502.01852."""
    return Initializer("he_normal", VarianceScaling(2.0, "fan_in", "normal"))


def he_uniform() -> Initializer:
    """U(+-sqrt(6/fan_in)). He et al., arXiv:1502.01852."""
    return Initializer("he_uniform", VarianceScaling(2.0, "fan_in", "uniform"))


def he() -> Initializer:
    """The lesson's name for `he_normal`: randn(n_out, n_in) * sqrt(2/n_in)."""
    return Initializer("he", he_normal().rule)


def lecun_normal() -> Initializer:
    """N(0, 1/fan_in), not truncated (JAX and Keras truncate). LeCun et al., 1998; arXiv:1706.02515."""
    return Initializer("lecun_normal", VarianceScaling(1.0, "fan_in", "normal"))


def lecun_uniform() -> Initializer:
    """U(+-sqrt(3/fan_in)). LeCun et al., 1998."""
    return Initializer("lecun_uniform", VarianceScaling(1.0, "fan_in", "uniform"))


def orthogonal(gain: float = 1.0) -> Initializer:
    """gain times a Haar-random matrix with orthonormal rows or columns. Saxe et al., arXiv:1312.6120."""
    return _named("orthogonal", (gain,), Orthogonal(gain))


def delta_orthogonal(gain: float = 1.0) -> Initializer:
    """For convolutions: orthogonal at the central tap, 0 elsewhere. Xiao et al., arXiv:1806.05393."""
    return _named("delta_orthogonal", (gain,), DeltaOrthogonal(gain))


def identity(gain: float = 1.0) -> Initializer:
    """gain on the diagonal of a matrix, 0 elsewhere."""
    return _named("identity", (gain,), Identity(gain))


def dirac(groups: int = 1) -> Initializer:
    """For convolutions: each group passes its channels on unchanged."""
    return _named("dirac", (groups,), Dirac(groups))


def sparse(sparsity: float = 0.9, scale: float = 0.01) -> Initializer:
    """N(0, scale^2) with the share `sparsity` of each column set to 0, rounded up. Martens, ICML 2010."""
    return _named("sparse", (sparsity, scale), Sparse(sparsity, scale))


CATALOGUE: dict[str, Callable[..., Initializer]] = {
    make.__name__: make
    for make in (
        zeros, ones, constant, normal, uniform, truncated_normal, xavier, glorot_normal, glorot_uniform, he,
        he_normal, he_uniform, lecun_normal, lecun_uniform, variance_scaling, orthogonal, delta_orthogonal,
        identity, dirac, sparse,
    )
}  # fmt: skip

# What other libraries call the same law. Their "xavier_normal" is no alias of `xavier`, so it is told apart by name.
ALIASES = {
    "kaiming_normal": "he_normal",
    "kaiming_uniform": "he_uniform",
    "xavier_normal": "glorot_normal",
    "xavier_uniform": "glorot_uniform",
    "glorot": "glorot_normal",
    "zero": "zeros",
}


def get(name: str | Initializer) -> Initializer:
    """Return the initializer that a text such as "he" or "normal(0.01)" stands for.

    `str(get(text))` reads back as the same initializer.

    Raises:
        UnknownName: no initializer has this name; the nearest are offered.
        InvalidInput: its arguments do not fit.

    >>> get("variance_scaling(2, fan_in, normal)") == get("he")
    True
    """
    if isinstance(name, Initializer):
        return name
    return notation.build("initializer", name, CATALOGUE, aliases=ALIASES)


def _named(name: str, arguments: tuple[notation.Value, ...], rule: Rule) -> Initializer:
    return Initializer(notation.write(name, arguments), rule)
