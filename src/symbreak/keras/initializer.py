"""A law of the catalogue as an initializer of Keras: serialisable, and its own values for every variable."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import keras  # type: ignore[import-untyped]
import numpy as np

from symbreak import initializers
from symbreak.initializers.axes import Axes, Layout, drawn

FRAMES = 8
"""How far up the stack the variable is looked for that asks for values; Keras has one or two frames between."""


@keras.saving.register_keras_serializable(package="symbreak")
# EinsumDense, and with it attention, tells only this base class which axes are inputs and outputs.
class Initializer(keras.initializers.VarianceScaling):  # type: ignore[misc]
    """Any law of the catalogue, for `kernel_initializer=` and its like.

    Keras tells an initializer a shape and no name. This one finds the variable that asks for values, and addresses
    them by its path: "net/hidden/kernel" is the name `net.hidden.kernel`. So one object gives every layer its own
    values, and a copy of it gives the same; nothing is counted.

    The path is Keras' own. An unnamed layer is "dense_7" if seven were made before it in this process, and a Sequential
    that is built again from its configuration leaves its own name out. Name the layers and call
    `keras.utils.clear_session()` before building; or give the built model to `symbreak.keras.init_`, whose names
    depend on neither.

    Called outside a layer it returns the values of name "", always the same.

    Args:
        law: an initializer of `symbreak.initializers` or its text, such as "he_normal" or "normal(0.02)".
        seed: an int of any size, or a string.
        input_axes, output_axes: of a kernel that is neither a matrix nor a convolution's; Keras tells them by itself
            for EinsumDense and attention.

    Raises:
        UnknownName: the catalogue has no such law.

    >>> import keras
    >>> layer = keras.layers.Dense(4, kernel_initializer=Initializer("he_normal", seed=0), name="hidden")
    >>> layer.build((None, 3))
    >>> weight = initializers.he_normal()((4, 3), seed=0, name="hidden.kernel")
    >>> bool(keras.ops.all(keras.ops.equal(layer.kernel, weight.T.copy())))
    True
    """

    def __init__(
        self,
        law: str | initializers.Initializer,
        *,
        seed: int | str = 0,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        self.law = initializers.get(law)
        self.seed = seed
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Return values for the variable that asks, or those of name "" if none does.

        Args:
            shape: as Keras stores it: (*spatial, in, out).
            dtype: a floating type; Keras' default if None.

        Raises:
            InvalidShape: a shape that the law cannot fill.
            InvalidInput: a dtype that is not floating.
        """
        kind = keras.backend.standardize_dtype(dtype or keras.config.floatx())
        values = drawn(self.law, shape, layout=self.layout, seed=self.seed, name=_asking(), dtype=numpy_dtype(kind))
        return as_tensor(values, kind)

    @property
    def layout(self) -> Layout:
        """How the tensors are stored."""
        if self.input_axes is None or self.output_axes is None:
            return "in_out"
        return Axes(tuple(self.input_axes), tuple(self.output_axes))

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal initializer."""
        config: dict[str, Any] = {"law": str(self.law), "seed": self.seed}
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        return config | {name: list(found) for name, found in axes.items() if found is not None}

    def __repr__(self) -> str:
        return f"Initializer({str(self.law)!r}, seed={self.seed!r})"


def dotted(path: str) -> str:
    """Return a variable's path in the form that names have in every framework."""
    return path.replace("/", ".")


def numpy_dtype(kind: str) -> np.dtype[Any]:
    """Return the type of that name; NumPy learns of bfloat16 from ml_dtypes."""
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, kind, kind))


def as_tensor(values: Any, kind: str) -> Any:
    """Return values as a tensor of the backend; rounded already, they pass through float32 where NumPy has no such
    type."""
    return keras.ops.cast(keras.ops.convert_to_tensor(values.astype(_carried(values.dtype))), kind)


def _carried(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind == "f" else np.dtype(np.float32)


def _asking() -> str:
    """Return the name of the variable whose value is being made, "" if there is none.

    Keras calls an initializer from the variable's own methods, at once or when a model is built later, so that the
    variable is to be found a few calls up and nowhere else.
    """
    frame = inspect.currentframe()
    for _ in range(FRAMES):
        frame = frame.f_back if frame is not None else None
        asking = frame.f_locals.get("self") if frame is not None else None
        if isinstance(asking, keras.Variable):
            return dotted(asking.path)
    return ""
