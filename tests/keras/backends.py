"""The Keras initializer and `init_`, on the backend of this process; run by test_both_backends.py."""

from __future__ import annotations

import os

import keras
import ml_dtypes
import numpy as np
import pytest
from keras import layers

from symbreak import initializers
from symbreak.errors import InvalidInput, InvalidShape, UnknownName
from symbreak.initializers.axes import Axes, drawn
from symbreak.keras import Initializer, init_, models, names
from symbreak.keras import initializer as initializer_module

# Keras turns tensors of torch into arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUERY, OUTPUT = Axes((0,), (1, 2)), Axes((0, 1), (2,))
LAWS = {"*kernel": "he_normal", "*": "zeros"}


@pytest.fixture(autouse=True)
def fresh_numbers():
    keras.utils.clear_session(free_memory=False)


def values(variable):
    return keras.ops.convert_to_numpy(keras.ops.cast(variable.value, "float32"))


def reference(text, shape, name, layout="in_out", seed=0, dtype=np.float32):
    return drawn(initializers.get(text), tuple(shape), layout=layout, seed=seed, name=name, dtype=dtype)


def holds(variable, text, name, layout="in_out", seed=0):
    return values(variable).tobytes() == reference(text, variable.shape, name, layout, seed).tobytes()


def all_values(model):
    return {v.path: values(v) for v in model.variables if keras.backend.is_float_dtype(v.dtype)}


def same(one, other):
    return all(a.tobytes() == b.tobytes() for a, b in zip(one.values(), other.values(), strict=True))


def test_the_backend_is_the_one_asked_for():
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"]


# --- the initializer


def stacked(init, units=4):
    names = ["first", "second", "third"]
    dense = [layers.Dense(units, kernel_initializer=init, name=name) for name in names]
    return keras.Sequential([keras.Input((4,)), *dense], name="net")


def test_one_object_gives_every_layer_values_of_its_own():
    model = stacked(Initializer("he_normal", seed=3))
    kernels = [layer.kernel for layer in model.layers]
    assert [k.path for k in kernels] == ["net/first/kernel", "net/second/kernel", "net/third/kernel"]
    for kernel in kernels:
        assert holds(kernel, "he_normal", kernel.path.replace("/", "."), seed=3)
    assert len({values(kernel).tobytes() for kernel in kernels}) == 3


class Attentive(keras.Model):
    """Its layers are built when it is first called: Keras makes their variables later, outside their scopes."""

    def __init__(self, init):
        super().__init__(name="net")
        self.up = layers.Dense(8, kernel_initializer=init, name="up")
        self.att = layers.MultiHeadAttention(2, 4, kernel_initializer=init, name="att")

    def call(self, x):
        x = self.up(x)
        return self.att(x, x)


def test_also_where_variables_are_made_later_and_attention_copies_its_initializer():
    model = Attentive(Initializer("he_normal"))
    model(np.zeros((1, 5, 3), "f4"))
    assert holds(model.up.kernel, "he_normal", "net.up.kernel")
    for part in ("query", "key", "value", "attention_output"):
        kernel = next(v for v in model.variables if v.path == f"net/att/{part}/kernel")
        assert holds(kernel, "he_normal", f"net.att.{part}.kernel", OUTPUT if part == "attention_output" else QUERY)


def test_order_and_other_layers_change_nothing():
    small = keras.Sequential([keras.Input((4,)), layers.Dense(4, kernel_initializer=Initializer("he"), name="third")])
    model = stacked(Initializer("he"))
    alone = layers.Dense(4, kernel_initializer=Initializer("he"), name="third")
    alone.build((None, 4))
    assert values(small.layers[0].kernel).tobytes() != values(model.layers[2].kernel).tobytes()  # in another model
    assert holds(alone.kernel, "he", "third.kernel")


def test_called_by_itself_it_is_a_function_of_seed_shape_and_law():
    init = Initializer("he_normal", seed=1)
    first = keras.ops.convert_to_numpy(init((3, 4)))
    assert first.tobytes() == reference("he_normal", (3, 4), "", seed=1).tobytes()
    assert np.array_equal(keras.ops.convert_to_numpy(init((3, 4))), first)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("text", ["he", "orthogonal", "uniform(-1, 1)"])
def test_dtypes(text, dtype):
    layer = layers.Dense(5, kernel_initializer=Initializer(text), dtype=dtype, name="d")
    layer.build((None, 3))
    kind = getattr(ml_dtypes, dtype, None) or np.dtype(dtype)
    assert str(layer.kernel.dtype) == dtype
    assert np.array_equal(values(layer.kernel), reference(text, (3, 5), "d.kernel", dtype=kind).astype("f4"))


def test_configurations_go_round():
    init = Initializer("truncated_normal(0.02, -3, 3, True)", seed="a string")
    for again in (
        Initializer.from_config(init.get_config()),
        keras.initializers.deserialize(keras.initializers.serialize(init)),
        keras.initializers.get(init),
        init.clone(),
    ):
        assert (again.law, again.seed, repr(again)) == (init.law, init.seed, repr(init))
    einsum = Initializer("he", input_axes=(0,), output_axes=(1, 2))
    assert Initializer.from_config(einsum.get_config()).layout == QUERY


def test_a_saved_model_comes_back(tmp_path):
    model = stacked(Initializer("he_normal", seed=3))
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    assert same(all_values(loaded), all_values(model))
    assert loaded.layers[0].kernel_initializer.seed == 3
    rebuilt = keras.Sequential.from_config(model.get_config())  # Keras leaves the model's own name out of its paths
    assert holds(rebuilt.layers[0].kernel, "he_normal", "first.kernel", seed=3)
    assert same(all_values(init_(rebuilt, LAWS, seed=0)), all_values(init_(model, LAWS, seed=0)))


def test_what_is_refused():
    with pytest.raises(UnknownName, match="he_normal"):
        Initializer("he_norml")
    with pytest.raises(InvalidInput, match="seed is an integer"):
        Initializer("he", seed=0.5)((3, 4))
    with pytest.raises(InvalidShape):
        Initializer("he")((4,))
    with pytest.raises(InvalidInput, match="floating"):
        Initializer("he")((4, 3), dtype="int32")


# --- init_


def everything():
    i = keras.Input((6, 8))
    y = layers.MultiHeadAttention(2, 4, dropout=0.1)(i, i)
    y = layers.LSTM(3, return_sequences=True)(y)
    y = layers.Bidirectional(layers.GRU(2))(y)
    y = layers.BatchNormalization()(y)
    y = layers.Dense(3, kernel_initializer="he_normal")(y)
    return keras.Model(i, layers.Dense(3, name="head")(y))


def pictures():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, groups=1),
            layers.DepthwiseConv2D(3),
            layers.SeparableConv2D(5, 3),
            layers.Conv2DTranspose(2, 3),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def test_by_name_with_laws():
    model = init_(everything(), LAWS, seed=7)
    found = names(model)
    assert holds(found["head.kernel"], "he_normal", "head.kernel", seed=7)
    assert holds(found["multi_head_attention.query.kernel"], "he", "multi_head_attention.query.kernel", QUERY, seed=7)
    name = "multi_head_attention.attention_output.kernel"
    assert holds(found[name], "he", name, OUTPUT, seed=7)
    assert holds(found["lstm.lstm_cell.recurrent_kernel"], "he", "lstm.lstm_cell.recurrent_kernel", seed=7)
    assert not values(found["batch_normalization.gamma"]).any()


def test_kernels_of_convolutions_have_the_values_of_pytorchs():
    found = names(init_(pictures(), LAWS, seed=0))
    conv = initializers.he()((4, 3, 3, 3), seed=0, name="conv2d.kernel")
    assert np.array_equal(values(found["conv2d.kernel"]), conv.transpose(2, 3, 1, 0))
    depthwise = initializers.he()((4, 1, 3, 3), seed=0, name="depthwise_conv2d.kernel")
    assert np.array_equal(values(found["depthwise_conv2d.kernel"])[..., 0], depthwise[:, 0].transpose(1, 2, 0))
    depthwise = initializers.he()((4, 1, 3, 3), seed=0, name="separable_conv2d.depthwise_kernel")
    assert np.array_equal(
        values(found["separable_conv2d.depthwise_kernel"])[..., 0], depthwise[:, 0].transpose(1, 2, 0)
    )
    transposed = initializers.he()((2, 5, 3, 3), seed=0, name="conv2d_transpose.kernel")
    assert np.array_equal(values(found["conv2d_transpose.kernel"]), transposed.transpose(2, 3, 0, 1))


def test_embeddings_are_stored_as_in_pytorch():
    model = keras.Sequential([keras.Input((4,), dtype="int32"), layers.Embedding(5, 8, name="tokens")])
    init_(model, "normal(1)", seed=0)
    expected = initializers.normal(1.0)((5, 8), seed=0, name="tokens.embeddings")
    assert np.array_equal(values(model.layers[0].embeddings), expected)


@pytest.mark.parametrize("build", [everything, pictures])
def test_the_same_code_gives_the_same_values_again(build):
    """Keras numbers layers on: the second model's are called dense_2, ...; ours are not."""
    first, second = init_(build(), seed=0), init_(build(), seed=0)
    assert list(names(first)) == list(names(second))
    assert set(all_values(first)) != set(all_values(second))
    assert same(all_values(first), all_values(second))
    assert not same(all_values(init_(second, seed=1)), all_values(first))


def test_numbers_start_where_the_model_does_and_own_names_stay():
    layers.Dense(1), layers.Dense(1)
    block = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Dense(4)], name="block_7")
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4), block, layers.Dense(2, name="head")])
    kernels = [name for name in names(model) if name.endswith("kernel")]
    assert kernels == ["dense_2.kernel", "block_7.dense.kernel", "block_7.dense_1.kernel", "head.kernel"]


def test_without_laws_each_layer_gets_what_it_asks_for():
    found = names(init_(everything(), seed=0))
    truncated = "variance_scaling(2, fan_in, truncated_normal)"
    assert holds(found["dense.kernel"], truncated, "dense.kernel")
    assert holds(found["head.kernel"], "glorot_uniform", "head.kernel")
    assert holds(found["lstm.lstm_cell.recurrent_kernel"], "orthogonal", "lstm.lstm_cell.recurrent_kernel")
    assert values(found["lstm.lstm_cell.bias"]).tolist() == [0] * 3 + [1] * 3 + [0] * 6
    assert values(found["batch_normalization.gamma"]).tolist() == [1] * 4
    assert values(found["batch_normalization.moving_variance"]).tolist() == [1] * 4


OWN = [
    (keras.initializers.HeNormal(), "variance_scaling(2, fan_in, truncated_normal)"),
    (keras.initializers.GlorotNormal(), "variance_scaling(1, fan_avg, truncated_normal)"),
    (keras.initializers.LecunUniform(), "lecun_uniform"),
    (keras.initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal"), "variance_scaling(3, fan_out, normal)"),
    (keras.initializers.RandomNormal(1.0, 0.5), "normal(0.5, 1.0)"),
    (keras.initializers.RandomUniform(-0.5, 0.25), "uniform(-0.5, 0.25)"),
    (keras.initializers.TruncatedNormal(stddev=0.3), "truncated_normal(0.3)"),
    (keras.initializers.Orthogonal(2.0), "orthogonal(2)"),
    (keras.initializers.Identity(0.5), "identity(0.5)"),
    (keras.initializers.Constant(0.25), "constant(0.25)"),
    (keras.initializers.Ones(), "ones"),
    (Initializer("sparse(0.5, 1)", seed=9), "sparse(0.5, 1)"),
]


@pytest.mark.parametrize(("own", "text"), OWN, ids=[text for _, text in OWN])
def test_keras_own_initializers_have_the_law_of_ours(own, text):
    """Mean and variance of 12,000 values of theirs are those of the law, within 5 standard errors."""
    layer = layers.Dense(120, kernel_initializer=own, name="d")
    layer.build((None, 100))
    law = initializers.get(text).law((120, 100))
    theirs = values(layer.kernel)
    init_(keras.Sequential([keras.Input((100,)), layer]), seed=0)
    assert holds(layer.kernel, text, "d.kernel")
    if law.family not in ("orthogonal", "identity", "constant"):
        error = 5 * law.std / np.sqrt(theirs.size)
        assert abs(theirs.mean() - law.mean) < error
        assert abs(theirs.var() - law.variance) < 5 * law.variance * np.sqrt(2 / theirs.size)


def before_and_after(model, call):
    before = all_values(model)
    call()
    assert same(all_values(model), before), "half applied"


class Strange(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(2, 2), name="w", initializer="he_normal")

    def call(self, x):
        return x


def refused(model, message, laws=None, kind=InvalidInput):
    def call():
        with pytest.raises(kind, match=message):
            init_(model, laws, seed=0)

    before_and_after(model, call)


def test_what_cannot_be_filled_is_refused_and_nothing_changes():
    refused(keras.Sequential([layers.Dense(2)]), "only a built model")
    refused(everything(), r"^lstm\.lstm_cell\.bias: orthogonal cannot fill", {"*lstm*bias": "orthogonal", "*": "ones"},
            InvalidShape)  # fmt: skip
    refused(everything(), "every tensor needs a law", {"*kernel": "he"})
    refused(everything(), "every pattern must decide", {"*kernle": "he", "*": "zeros"})
    frozen = everything()
    frozen.layers[1].trainable = False
    refused(frozen, "a frozen layer keeps its values")
    strange = keras.Sequential([keras.Input((2,)), layers.Dense(2), Strange(name="odd")])
    strange.build((None, 2))
    refused(strange, r"odd\.w, which Strange starts by itself")


class Pair(keras.Model):
    def __init__(self, one, other):
        super().__init__(name="pair")
        self.one, self.other = one, other

    def call(self, x):
        return self.other(self.one(x))


def test_two_variables_of_one_name_are_refused():
    model = Pair(layers.Dense(4, name="twin"), layers.Dense(4, name="twin"))
    model(np.zeros((1, 4), "f4"))
    refused(model, r"two variables twin\.kernel")


def test_a_quantised_layer_is_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    model.layers[0].quantize("int8")
    refused(model, "a quantised layer")


def test_only_new_layers_start_anew_behind_a_frozen_or_quantised_body():
    body = keras.Sequential([keras.Input((4,)), layers.Dense(8, name="first"), Strange(name="odd")], name="body")
    body.layers[0].quantize("int8")
    body.trainable = False
    model = keras.Sequential([keras.Input((4,)), body, layers.Dense(3, name="head")], name="net")
    before = all_values(model)
    init_(model, {"body.*": "ones", "*.kernel": "he", "*": "zeros"}, seed=0, only="head.*")
    assert holds(model.layers[1].kernel, "he", "head.kernel")
    after = all_values(model)
    assert {name for name in before if before[name].tobytes() != after[name].tobytes()} == {"net/head/kernel"}
    init_(model, seed=1, only=["head.kernel"])  # the law that the layer asks for; the body has none
    assert holds(model.layers[1].kernel, "variance_scaling(1, fan_avg, uniform)", "head.kernel", seed=1)
    assert "body.odd.w" in names(model)


@pytest.mark.parametrize(
    ("only", "message"),
    [("heads.*", "must name parameters"), ([], "must name parameters"), (3, "takes patterns"), ("first.*", "frozen")],
)
def test_what_only_cannot_mean_is_refused(only, message):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="first"), layers.Dense(4, name="head")])
    model.layers[0].trainable = False

    def call():
        with pytest.raises(InvalidInput, match=message):
            init_(model, "ones", seed=0, only=only)

    before_and_after(model, call)


def test_a_shared_layer_is_filled_once():
    shared = layers.Dense(4, name="shared")
    i = keras.Input((4,))
    model = init_(keras.Model(i, shared(shared(i))), LAWS, seed=0)
    assert list(names(model)) == ["shared.kernel", "shared.bias"]


def test_mixed_precision_keeps_float32_variables():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="d", dtype="mixed_bfloat16")])
    init_(model, LAWS, seed=0)
    assert holds(model.layers[0].kernel, "he", "d.kernel")


def test_it_trains():
    model = init_(stacked("zeros"), LAWS, seed=0)
    model.compile(optimizer="sgd", loss="mse")
    x = np.ones((8, 4), "f4")
    assert model.fit(x, x, epochs=2, verbose=0).history["loss"][1] > 0


# --- that these tests would notice


def without_names():
    return ""


def test_an_initializer_that_finds_no_variable_is_noticed(monkeypatch):
    monkeypatch.setattr(initializer_module, "_asking", without_names)
    kernels = [values(layer.kernel).tobytes() for layer in stacked(Initializer("he")).layers]
    assert len(set(kernels)) == 1


@pytest.mark.parametrize("change", [{"layout": "out_in"}, {"seed": 1}, {"name": "x"}], ids=str)
def test_wrong_values_are_noticed(change, monkeypatch):
    monkeypatch.setattr(models, "drawn", lambda init, shape, **options: drawn(init, shape, **(options | change)))
    assert not holds(init_(everything(), LAWS, seed=0).layers[-1].kernel, "he", "head.kernel")


def test_raw_paths_are_noticed(monkeypatch):
    monkeypatch.setattr(models, "_numbers", lambda layers: {})
    assert list(names(everything())) != list(names(everything()))
