"""Text forms, layouts, fans, structure and what is refused."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
import torch

from symbreak import initializers
from symbreak.errors import InvalidInput, InvalidShape, UnknownName
from symbreak.initializers import fans

TEXTS = [
    *[name for name in initializers.CATALOGUE if name != "constant"],
    "constant(0.5)",
    "normal(0.01)",
    "normal(1, 2)",
    "uniform(-0.1, 0.1)",
    "variance_scaling(2, fan_in, normal)",
    "truncated_normal(0.02, -3, 3, True)",
    "orthogonal(1.4)",
    "sparse(0.5, 0.1)",
    "dirac(2)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_round_trips(text):
    init = initializers.get(text)
    again = initializers.get(str(init))
    assert again == init
    assert str(again) == str(init)


@pytest.mark.parametrize(
    "text", ["normal(0.01)", "constant(0.5)", "he", "variance_scaling(2, fan_in, normal)", "zeros"]
)
def test_text_stays_as_it_was_written(text):
    assert str(initializers.get(text)) == text


def test_equal_laws_are_equal_whatever_they_are_called():
    assert initializers.get("he") == initializers.he_normal() == initializers.get("kaiming_normal")
    assert initializers.xavier() == initializers.lecun_normal()
    assert initializers.xavier() != initializers.glorot_normal()


def test_repr_says_which_law_and_whether_it_is_truncated():
    assert repr(initializers.glorot_normal()) == "glorot_normal: N(0, 2/(fan_in + fan_out)), not truncated"
    assert repr(initializers.xavier()) == "xavier: N(0, 1/fan_in), not truncated"
    assert "truncated at 2 sigma, variance corrected" in repr(initializers.variance_scaling())
    assert repr(initializers.constant(0.5)) == "constant(0.5): w = 0.5"


def test_the_docstring_of_xavier_warns():
    assert "lesson's fan-in form" in initializers.xavier.__doc__


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hee", "try: he"),
        ("he_norml", "he_normal"),
        ("normal(-1)", "scale must be a finite number >= 0"),
        ("normal(nan)", "scale must be a finite number >= 0"),
        ("constant(inf)", "must be a finite number"),
        ("constant", "arguments that it does not take"),
        ("uniform(1, 1)", "lower end below its upper end"),
        ("truncated_normal(1, 2, -2)", "lower end below its upper end"),
        ("variance_scaling(1, fan_inn)", "try: fan_in"),
        ("variance_scaling(1, fan_in, gaussian)", "unknown distribution"),
        ("he(2)", "arguments that it does not take"),
        ("normal(0.01", "arguments in brackets"),
        ("sparse(2)", "share of zeros"),
        ("dirac(0)", "groups must be"),
        ("normal(__import__)", "arguments in brackets"),
        ("constant(1e39)", "finite number of float32"),
        ("normal(1e38)", "scale must be a finite number"),
        (f"normal({10**400})", "scale must be a finite number"),
    ],
)
def test_bad_text_is_refused_in_one_message(text, words):
    with pytest.raises(InvalidInput) as caught:
        initializers.get(text)
    assert words in str(caught.value)
    assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == ["got", "allowed", "try"]


@pytest.mark.parametrize("text", ["he", "uniform(-1, 1)", "orthogonal", "normal(0.3)", "identity"])
@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_a_layout_permutes_the_same_values(text, shape):
    init = initializers.get(text)
    logical = init(shape, seed=3, name="w")
    assert np.array_equal(init(shape[::-1], seed=3, name="w", layout="in_out"), logical.T)
    assert init.law(shape[::-1], layout="in_out") == init.law(shape)


@pytest.mark.parametrize("text", ["he", "dirac", "delta_orthogonal"])
def test_a_kernel_in_another_layout(text):
    init = initializers.get(text)
    logical = init((8, 4, 3, 5), seed=3, name="w")
    stored = init((3, 5, 4, 8), seed=3, name="w", layout="in_out")
    assert np.array_equal(stored.transpose(3, 2, 0, 1), logical)
    assert stored.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize(
    "text", ["he", "uniform(-1, 1)", "truncated_normal(1)", "orthogonal", "sparse", "constant(0.1)"]
)
def test_other_types_follow_from_the_float32_value(text, dtype):
    init = initializers.get(text)
    single = init((30, 20), seed=3, name="w")
    assert single.dtype == np.float32
    other = init((30, 20), seed=3, name="w", dtype=dtype)
    assert other.dtype == dtype
    expected = single.astype(dtype)
    if text.startswith("uniform"):  # the upper end stays out also where rounding would reach it
        expected = np.where(expected == 1, np.nextafter(np.array(1, dtype), np.array(0, dtype)), expected)
    assert np.array_equal(other, expected)


def test_integer_types_are_refused():
    with pytest.raises(InvalidInput, match="floating-point"):
        initializers.he()((2, 2), seed=0, dtype=np.int32)


@pytest.mark.parametrize("shape", [(-1, 2), (2.5, 2), "ab", (2, None)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(InvalidShape, match="whole numbers >= 0"):
        initializers.zeros()(shape, seed=0)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("he", (3,)),
        ("he", ()),
        ("orthogonal", (3,)),
        ("identity", (2, 2, 2)),
        ("dirac", (2, 2)),
        ("dirac(3)", (4, 2, 3)),
        ("sparse", (2, 2, 2)),
        ("delta_orthogonal", (2, 4, 3, 3)),
        ("delta_orthogonal", (4, 4)),
    ],
)
def test_shapes_that_an_initializer_cannot_fill(text, shape):
    with pytest.raises(InvalidShape):
        initializers.get(text)(shape, seed=0)


def test_a_scalar_stays_a_scalar():
    assert initializers.zeros()((), seed=0).shape == ()


def test_empty_tensors():
    assert initializers.normal()((0, 3), seed=0).shape == (0, 3)
    with pytest.raises(InvalidInput, match="fans above 0"):
        initializers.he()((3, 0), seed=0)


# --- fans, against torch's own calculation on its own layout


@pytest.mark.parametrize("shape", [(4, 3), (8, 4, 3), (8, 4, 3, 5), (2, 3, 4, 5, 6)])
def test_fans_are_torchs(shape):
    expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert (fans(shape).fan_in, fans(shape).fan_out) == expected


def connections(layer: torch.nn.Module, size: int) -> tuple[int, int]:
    """Count, in the middle of a large picture, the inputs of an output and the outputs of an input."""
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.zero_()
    channels = layer.in_channels
    x = torch.zeros(1, channels, size, size, requires_grad=True)
    y = layer(x)
    middle = y.shape[-1] // 2
    (into,) = torch.autograd.grad(y[0, 0, middle, middle], x, retain_graph=True)
    (out,) = torch.autograd.grad(y.sum(), x)
    return int(into.sum()), int(out[0, 0, size // 2, size // 2])


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_fans_of_grouped_convolutions_count_connections(groups):
    layer = torch.nn.Conv2d(8, 12, 3, groups=groups)
    got = fans(tuple(layer.weight.shape), groups=groups)
    assert (got.fan_in, got.fan_out) == connections(layer, 15)


@pytest.mark.parametrize("groups", [1, 2])
def test_fans_of_transposed_convolutions_count_connections(groups):
    layer = torch.nn.ConvTranspose2d(8, 12, 3, groups=groups)
    got = fans(tuple(layer.weight.shape), groups=groups, transposed=True)
    assert (got.fan_in, got.fan_out) == connections(layer, 15)


# --- structure

# Rounding to float32 and a product of n reflections: a few units in the last place each.
ORTHOGONAL = 64 * np.finfo(np.float32).eps


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 1), (1, 7), (64, 33), (8, 4, 3, 3)])
def test_orthogonal(shape):
    w = initializers.orthogonal(2.0)(shape, seed=0, name="w", dtype=np.float64).reshape(shape[0], -1)
    rows, columns = w.shape
    gram = w @ w.T if rows <= columns else w.T @ w
    assert np.abs(gram - 4 * np.eye(len(gram))).max() < ORTHOGONAL


def test_delta_orthogonal_keeps_norms_through_a_convolution():
    w = torch.tensor(initializers.delta_orthogonal()((8, 4, 3, 3), seed=0, name="w"))
    x = torch.tensor(np.random.default_rng(0).normal(size=(1, 4, 9, 9)).astype(np.float32))
    y = torch.nn.functional.conv2d(x, w, padding=1)
    assert float(y.norm()) == pytest.approx(float(x.norm()), rel=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("shape", [(8, 4, 3), (8, 4, 3, 5), (8, 2, 3, 3, 3), (4, 8, 4, 4)])
def test_dirac_is_torchs(shape, groups):
    expected = torch.nn.init.dirac_(torch.empty(shape), groups=groups).numpy()
    assert np.array_equal(initializers.dirac(groups)(shape, seed=0), expected)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_identity_is_eye(shape):
    assert np.array_equal(initializers.identity(0.5)(shape, seed=0), 0.5 * np.eye(*shape))


def test_sparse_has_as_many_zeros_in_every_column():
    w = initializers.sparse(0.73, 0.1)((100, 50), seed=0, name="w")
    assert set((w == 0).sum(axis=0)) == {73}
    assert len({tuple(np.flatnonzero(column)) for column in w.T}) > 40, "the patterns of all columns are alike"


# --- gains


def test_gains_have_their_closed_forms():
    gain = initializers.gain
    rounding = 1e-12
    assert gain("relu") == pytest.approx(math.sqrt(2), rel=rounding)
    assert gain("leaky_relu(0.2)") == pytest.approx(math.sqrt(2 / 1.04), rel=rounding)
    assert gain("identity") == pytest.approx(1, rel=rounding)
    assert gain("selu") == pytest.approx(1, rel=rounding)
    assert gain("relu", kind="centred") == pytest.approx(1 / math.sqrt(0.5 - 1 / (2 * math.pi)), rel=rounding)
    assert gain("relu", kind="backward") == pytest.approx(math.sqrt(2), rel=rounding)
    assert gain(lambda z: np.maximum(z, 0) ** 2) == pytest.approx(1 / math.sqrt(1.5), rel=rounding)


def test_a_function_and_its_name_have_one_gain():
    assert initializers.gain(np.tanh) == pytest.approx(initializers.gain("tanh"), rel=1e-12)


@pytest.mark.parametrize(("scalar", "name"), [(math.tanh, "tanh"), (lambda z: max(0, z), "relu")])
def test_functions_of_one_number_have_gains_too(scalar, name):
    assert initializers.gain(scalar) == pytest.approx(initializers.gain(name), rel=1e-12)


def test_gains_that_do_not_exist():
    with pytest.raises(InvalidInput, match="maps a number to a number"):
        initializers.gain(lambda z: z[:1])
    with pytest.raises(InvalidInput, match="some spread"):
        initializers.gain(lambda z: 0 * z)
    with pytest.raises(InvalidInput, match="needs the derivative"):
        initializers.gain(np.tanh, kind="backward")
    with pytest.raises(UnknownName, match="second-moment"):
        initializers.gain("tanh", kind="second_moment")
    with pytest.raises(UnknownName):
        initializers.gain(3)
