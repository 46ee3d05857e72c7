"""A built Keras model filled by the paths of its variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras  # type: ignore[import-untyped]

from symbreak.errors import InvalidInput
from symbreak.initializers.axes import Axes, Layout, drawn, require_drawable
from symbreak.initializers.initializer import Seed
from symbreak.initializers.names import normal_name
from symbreak.initializers.tree import Laws, Only, laws_by_name, selected
from symbreak.keras.initializer import as_tensor, numpy_dtype
from symbreak.keras.own import own_law


def init_(model: Any, laws: Laws | None = None, *, seed: Seed, only: Only = None) -> Any:
    """Fill a built model in place by the names of its variables, and return it.

    The values are those that every other framework makes for the same seed, name, shape and law, on every backend.
    A name is the variable's path inside the model, joined by dots: `hidden.kernel`; `names(model)` lists them. Keras
    numbers unnamed layers through the whole process ("dense_7"); here they are numbered within the model, in the order
    in which they were made, so the same code gives the same values again. A layer with a name of its own keeps its
    values when others are added.

    Args:
        model: a built `keras.Model` or layer, on the torch or the JAX backend.
        laws: one law, or a dict from patterns of names to laws, such as {"*.kernel": "he_normal", "*": "zeros"}; the
            first that fits counts. Left out, each variable's law is the one that its layer asks for
            (`kernel_initializer` and so on).
        seed: an int of any size, or a string.
        only: patterns of the variables to initialize, such as "head.*"; the others stay as they are, need no law and
            may be frozen or quantised.

    Raises:
        InvalidInput: a model that is not built, a frozen or quantised layer, two variables with one name, a variable
            without a law, a pattern that fits no name. Nothing was changed then.
        InvalidShape: a law that cannot fill a variable of this shape. Nothing was changed then.

    >>> import keras
    >>> from symbreak import initializers
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="hidden")])
    >>> model = init_(model, {"*.kernel": "he_normal", "*": "zeros"}, seed=0)
    >>> weight = initializers.he_normal()((4, 3), seed=0, name="hidden.kernel")
    >>> bool(keras.ops.all(keras.ops.equal(model.layers[0].kernel, weight.T.copy())))
    True
    """
    known = _slots(model)
    slots = [known[name] for name in selected(known, only)]
    for slot in slots:
        _require_free(slot)
    if laws is None:
        chosen = {slot.name: own_law(slot.layer, slot.variable.name, slot.name) for slot in slots}
    else:
        chosen = laws_by_name(known, laws, only=only)
    for slot in slots:
        require_drawable(slot.name, chosen[slot.name], slot.shape, layout=slot.layout, dtype=numpy_dtype(slot.kind))
    for slot in slots:
        address: dict[str, Any] = {"seed": seed, "name": slot.name, "dtype": numpy_dtype(slot.kind)}
        values = drawn(chosen[slot.name], slot.shape, layout=slot.layout, **address)
        slot.variable.assign(as_tensor(values, slot.kind))
    return model


def names(model: Any) -> dict[str, Any]:
    """Return the variables that `init_` can fill, by the names that address their values; frozen ones too.

    >>> import keras
    >>> list(names(keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2, name="head")])))
    ['dense.kernel', 'dense.bias', 'head.kernel', 'head.bias']
    """
    return {name: slot.variable for name, slot in _slots(model).items()}


@dataclass(frozen=True, eq=False)
class Slot:
    """A variable to be filled, and the layer that made it."""

    name: str
    variable: Any
    layer: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, as stored."""
        return tuple(int(size) for size in self.variable.shape)

    @property
    def kind(self) -> str:
        """The name of its dtype."""
        return str(keras.backend.standardize_dtype(self.variable.dtype))

    @property
    def layout(self) -> Layout:
        """How its layer stores it."""
        return layout_of(self.layer, self.variable.name)


def layout_of(layer: Any, variable: str) -> Layout:
    """Return how a layer stores one of its variables: (*spatial, in, out), but for a few kinds of layer.

    An embedding (tokens, features) is stored as PyTorch stores it; an output of a depthwise convolution has one input;
    a transposed convolution ends in (out, in); EinsumDense, and with it attention, says by its equation what is what.
    """
    kind = keras.layers
    if isinstance(layer, kind.Embedding):
        return "out_in"
    if variable == "depthwise_kernel" or isinstance(layer, (kind.DepthwiseConv1D, kind.DepthwiseConv2D)):
        return Axes((), (-2, -1))
    if isinstance(layer, (kind.Conv1DTranspose, kind.Conv2DTranspose, kind.Conv3DTranspose)):
        return Axes((-1,), (-2,))
    if isinstance(layer, kind.EinsumDense) and variable == "kernel":
        return _einsum(layer.equation)
    return "in_out"


def _einsum(equation: str) -> Layout:
    """Read which axes of the kernel are summed over, and which are new.

    >>> _einsum("abc,cde->abde")
    Axes(inputs=(0,), outputs=(1, 2))
    """
    given, kernel, made = re.split(r",|->", equation.replace(" ", "").replace("...", ""))
    inputs = tuple(axis for axis, letter in enumerate(kernel) if letter not in made)
    outputs = tuple(axis for axis, letter in enumerate(kernel) if letter not in given)
    return Axes(inputs, outputs)


def _slots(model: Any) -> dict[str, Slot]:
    """Return the variables of floating dtype, by name.

    Raises:
        InvalidInput: the model is not built, or two variables have one name.
    """
    if not getattr(model, "built", False):
        raise _unusable("only a built model has variables", f"{model!r}, not built", "model.build((None, 784))")
    layers = {layer.path: layer for layer in model._flatten_layers() if layer.path is not None}
    rename = _numbers([layer for layer in layers.values() if layer is not model])
    found: dict[str, Slot] = {}
    for variable in model.variables:
        layer = layers.get(variable.path.rpartition("/")[0], model)
        if not keras.backend.is_float_dtype(variable.dtype) and not _is_quantised(layer):
            continue
        slot = Slot(_name(variable.path, model, rename), variable, layer)
        if slot.name in found:
            raise _unusable("values are addressed by name", f"two variables {slot.name}", "give each layer a name")
        found[slot.name] = slot
    return found


def _require_free(slot: Slot) -> None:
    """Refuse a variable that must keep its values."""
    path = slot.variable.path
    if _is_quantised(slot.layer):
        raise _unusable("a quantised layer cannot be initialized", path, "initialize before `quantize`")
    if not slot.layer.trainable:
        raise _unusable("a frozen layer keeps its values", path, 'layer.trainable = True, or only="head.*"')


def _is_quantised(layer: Any) -> bool:
    return getattr(layer, "quantization_mode", None) is not None


def _unusable(rule: str, got: str, hint: str) -> InvalidInput:
    allowed = "a built model of floating variables, none frozen, each with a name of its own"
    return InvalidInput(rule, got=got, allowed=allowed, hint=hint)


def _name(path: str, model: Any, rename: Mapping[str, str]) -> str:
    """Return the path inside the model, unnamed layers numbered within it, in the form of every framework."""
    *scopes, own = path.removeprefix(f"{model.path}/").split("/")
    return normal_name(".".join([*(rename.get(scope, scope) for scope in scopes), own]))


def _numbers(layers: list[Any]) -> dict[str, str]:
    """Map the names that Keras made up, of the class and a number, to such with numbers that start in this model."""
    made_up: dict[str, set[int]] = {}
    for layer in layers:
        stem, number = _parted(layer.name)
        if _plain(stem) in (_plain(f"{side}{type(layer).__name__}") for side in ("", "forward", "backward")):
            made_up.setdefault(stem, set()).add(number)
    return {
        _numbered(stem, number): _numbered(stem, place)
        for stem, numbers in made_up.items()
        for place, number in enumerate(sorted(numbers))
    }


def _parted(name: str) -> tuple[str, int]:
    """Return a name without the number at its end, and the number; the first of a kind has none."""
    stem, bar, number = name.rpartition("_")
    return (stem, int(number)) if bar and number.isdecimal() and number == str(int(number)) else (name, 0)


def _plain(text: str) -> str:
    return text.replace("_", "").lower()


def _numbered(stem: str, number: int) -> str:
    return f"{stem}_{number}" if number else stem
