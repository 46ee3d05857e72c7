"""What each of PyTorch's operations is, in the vocabulary of `Observation`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from symbreak.diagnosis.observation import Kind
from symbreak.errors import SymbreakError
from symbreak.numerics import activations
from symbreak.numerics.activations import FlatRegion

ACTIVATIONS = {
    "relu": "relu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "mish": "mish",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "hardtanh": "hardtanh",
    "hardswish": "hardswish",
    "hardsigmoid": "hardsigmoid",
    "log_sigmoid_forward": "log_sigmoid",
    "_prelu_kernel": "prelu",
    "rrelu_with_noise": "leaky_relu(0.22916666666666666)",
    "threshold": "relu",
    "clamp_min": "relu",
    "clamp": "clamp",
    "sin": "sin",
    "cos": "cos",
    "erf": "erf",
    "exp": "exp",
    "glu": "glu",
}

FRESH = frozenset(("empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like", "new_zeros"))
"""Operations that take a shape from their argument and nothing else."""

_NAMES: dict[Kind, str] = {
    "linear": "mm addmm linear mv addmv",
    "matmul": "bmm baddbmm dot",
    "conv": "convolution _convolution convolution_overrideable mkldnn_convolution",
    "embedding": "embedding _embedding_bag",
    "recurrent": "mkldnn_rnn_layer lstm gru rnn_tanh rnn_relu",
    "norm": "native_layer_norm native_group_norm native_batch_norm _native_batch_norm_legit "
    "_native_batch_norm_legit_functional _batch_norm_with_update _fused_rms_norm rms_norm",
    "softmax": "_softmax _log_softmax logsumexp _safe_softmax",
    "attention": "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_flash_attention "
    "_scaled_dot_product_efficient_attention _scaled_dot_product_attention_math _native_multi_head_attention",
    "add": "add sub rsub lerp addcmul",
    "multiply": "mul div true_divide",
    "concat": "cat stack concat",
    "pool": "max_pool2d_with_indices max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d _adaptive_avg_pool2d "
    "_adaptive_avg_pool3d adaptive_max_pool2d upsample_nearest2d upsample_bilinear2d upsample_nearest1d",
    "reduce": "mean sum amax amin max min var std norm linalg_vector_norm",
    "noise": "bernoulli rand rand_like randn randn_like normal uniform native_dropout",
    "loss": "nll_loss_forward nll_loss2d_forward mse_loss binary_cross_entropy binary_cross_entropy_with_logits "
    "smooth_l1_loss huber_loss",
    "shape": "view _unsafe_view reshape t transpose permute unsqueeze squeeze expand select slice split "
    "split_with_sizes unbind clone detach alias _to_copy contiguous flip index index_select gather narrow roll unfold "
    "im2col constant_pad_nd as_strided _reshape_alias lift_fresh copy repeat masked_fill where tril triu",
}
KINDS: dict[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
"""Kinds by name; a trailing underscore (in place) is dropped first."""

NORMS = {
    "native_layer_norm": "layer",
    "native_group_norm": "group",
    "_fused_rms_norm": "rms",
    "rms_norm": "rms",
}


# Beyond it the slope of erf, exp(-x^2) of its steepest, is below a hundredth.
ERF_FLAT = math.sqrt(math.log(100))


def kind_of(target: str) -> Kind:
    """Return the kind of an operation by its name.

    >>> kind_of("relu_"), kind_of("addmm"), kind_of("frobnicate")
    ('activation', 'linear', 'other')
    """
    if target in ("input", "target"):
        return "input"
    name = plain(target)
    if name in ACTIVATIONS:
        return "activation"
    return KINDS.get(name, "other")


def plain(target: str) -> str:
    """Return the name without the underscore that says "in place"."""
    return target.rstrip("_") if not target.startswith("__") else target


def activation_name(target: str, arguments: Mapping[str, Any]) -> str:
    """Return the activation in the text form of the house, with its parameters where they differ from the usual."""
    name = ACTIVATIONS[plain(target)]
    if name == "leaky_relu":
        return f"leaky_relu({float(arguments.get('negative_slope', 0.01)):g})"
    if name == "elu":
        scale = float(arguments.get("scale", 1))
        return "selu" if scale != 1 else f"elu({float(arguments.get('alpha', 1)):g})"
    if name == "hardtanh" and arguments.get("min_val") == 0:
        return "relu6"
    if name == "relu" and plain(target) == "clamp_min" and arguments.get("min") != 0:
        return "clamp"
    if plain(target) == "threshold" and (arguments.get("threshold"), arguments.get("value")) != (0, 0):
        return "threshold"
    if name == "softplus" and arguments.get("beta", 1) != 1:
        return f"softplus(beta={float(arguments['beta']):g})"
    return name


def flat_regions(target: str, arguments: Mapping[str, Any]) -> tuple[FlatRegion, ...] | None:
    """Return where an activation is flat: from the house's record, or for clamps from their ends; None if unknown."""
    name = activation_name(target, arguments)
    if name in ("hardtanh", "relu6", "clamp"):
        low, high = (arguments.get(key) for key in (("min", "max") if name == "clamp" else ("min_val", "max_val")))
        if not all(bound is None or isinstance(bound, (int, float)) for bound in (low, high)):
            return None  # clamped to another tensor
        ends = ((-math.inf, low), (high, math.inf))
        return tuple(FlatRegion(float(a), float(b), exact=True) for a, b in ends if a is not None and b is not None)
    if name in ("hardsigmoid", "hardswish"):
        below = FlatRegion(-math.inf, -3.0, exact=True)
        return (below, FlatRegion(3.0, math.inf, exact=True)) if name == "hardsigmoid" else (below,)
    if name == "erf":
        return (FlatRegion(-math.inf, -ERF_FLAT, exact=False), FlatRegion(ERF_FLAT, math.inf, exact=False))
    try:
        return activations.get(name).flat
    except SymbreakError:
        return None
