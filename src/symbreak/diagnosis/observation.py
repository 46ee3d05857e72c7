"""What the rules read: a model at step 0 as plain data. It names no framework; rooms such as `torch` make it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from symbreak.diagnosis.invariance import Space, Still, Swap, Vanish
from symbreak.diagnosis.values import Summary

Array = NDArray[Any]

Kind = Literal[
    "input",
    "linear",
    "conv",
    "embedding",
    "recurrent",
    "matmul",
    "attention",
    "activation",
    "norm",
    "softmax",
    "add",
    "multiply",
    "concat",
    "pool",
    "reduce",
    "shape",
    "noise",
    "loss",
    "other",
]


@dataclass(frozen=True, eq=False)
class Slices:
    """Random projections of a tensor's slices along one axis, for weights or for a gradient.

    Equal slices have equal projections; different ones differ with probability one. `projections` is (size, 2), and
    `norms` (size,) are the Euclidean norms of the slices.
    """

    projections: Array
    norms: Array


@dataclass(frozen=True, eq=False)
class Gradient:
    """The gradient of the loss with respect to one parameter, on the batch.

    Attributes:
        rms: root of the mean square of its entries.
        nonfinite: how many are inf or nan.
        zero: whether all are 0.
        slices: by axis, for the axes that were asked for.
    """

    rms: float
    nonfinite: int
    zero: bool
    slices: Mapping[int, Slices]


Probe = Callable[[Mapping[str, Array], Mapping[str, tuple[int, ...]]], Mapping[str, Gradient]]
"""Called with new values of some parameters, and with the axes of each whose slices are asked for; all by name."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What one forward and backward pass shows.

    Attributes:
        gradients: by parameter, with the slices along every axis; those that nothing depends on are left out.
        units: by module, slices of its output along its units; a module that ran k times is there k times.
        epsilon: relative rounding of the numbers in which the pass was computed.
    """

    gradients: Mapping[str, Gradient]
    units: Mapping[str, Slices]
    epsilon: float


Look = Callable[[Callable[[str], Array | None], int | None], Sight]
"""Called with what gives a parameter's new values by name (None: as it is), and the seed of fresh inputs and of a fresh
direction in the space of outputs, whose product with the output is differentiated; without a seed, the given batch."""

Walk = Callable[[int], Iterator[Sight]]
"""Called with a number of steps; gives what is seen before each on the given batch, and after the last."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """A parameter or a buffer.

    Attributes:
        names: its names, the first first; more than one if it is tied on purpose (one tensor under several names).
        module: kind of the module that owns it: "Linear", "LayerNorm", ...
        shape, dtype: of the tensor, as stored.
        trainable: takes part in training.
        buffer: is a buffer, not a parameter.
        judged: False where pretrained weights are to be left out of judgement.
        summary: statistics of its values.
        values: returns them, as an array that must not be written to; floats of less than 32 bits are widened.
        gradient: None without a backward pass, for buffers, and for what the loss does not depend on.
    """

    names: tuple[str, ...]
    module: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    buffer: bool
    judged: bool
    summary: Summary
    values: Callable[[], Array]
    gradient: Gradient | None = None

    @property
    def name(self) -> str:
        """The first name."""
        return self.names[0]

    @property
    def floating(self) -> bool:
        """Whether it holds numbers that an initializer could have made."""
        return "float" in self.dtype


@dataclass(frozen=True, eq=False)
class Signal:
    """Statistics of what an operation gives, over the whole batch.

    Attributes:
        mean, rms, std: over all entries; std is around the mean of each unit over the batch: what tells samples apart.
        nonfinite: how many entries are inf or nan.
        similarity: mean cosine between the outputs for different samples (or positions); None for fewer than two.
        flat: for activations, the share of entries where the slope is (nearly) zero.
        off: for activations, units whose slope is zero on all samples; nearly so for curves that level off on one side.
        constant: units with one and the same value on all samples.
        units: length of the unit (channel) axis.
        gradient_rms, gradient_nonfinite: of the loss's gradient with respect to this output; None if there is none.
    """

    mean: float
    rms: float
    std: float
    nonfinite: int
    similarity: float | None
    units: int
    flat: float | None = None
    off: tuple[int, ...] = ()
    constant: tuple[int, ...] = ()
    gradient_rms: float | None = None
    gradient_nonfinite: int = 0


@dataclass(frozen=True, eq=False)
class Weight:
    """How an operation uses a weight: its true fans, whatever the layout of the tensor.

    Attributes:
        parameter: its name.
        fan_in, fan_out: of one output (input) unit, with groups, taps and transposition counted.
        out_axis, in_axis: of the tensor; None for an axis that is split (grouped) or that it lacks.
        groups: of a grouped convolution, 1 else.
        transposed: the operation is a transposed convolution.
    """

    parameter: str
    fan_in: int
    fan_out: int
    out_axis: int | None
    in_axis: int | None
    groups: int = 1
    transposed: bool = False


@dataclass(frozen=True, eq=False)
class Operation:
    """One step of the forward pass, in the order in which it ran; `inputs` are indices of earlier ones.

    Attributes:
        kind: what it does, in a vocabulary of our own.
        name: the activation's, norm's or loss's name ("relu", "layer", "cross-entropy"); else the framework's.
        module: path of the innermost module that it ran in.
        parameters: names of all parameters that it reads directly.
        shape: of what it gives.
        weight: for "linear", "conv", "embedding", "recurrent": how it uses its weight.
        bias: name of the bias that it adds.
        unit_axis: the axis of the output that counts units (channels).
        attributes: further facts, such as eps or p; `integer` where no floats are given, `outputs` where
            more than one tensor is, `sharp` the share of a softmax's rows that are all on one place.
        signal: None where it was not measured (shapes, integers, masks).
    """

    index: int
    kind: Kind
    name: str
    module: str
    inputs: tuple[int, ...]
    parameters: tuple[str, ...]
    shape: tuple[int, ...]
    weight: Weight | None = None
    bias: str | None = None
    unit_axis: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    signal: Signal | None = None


@dataclass(frozen=True, eq=False)
class Loss:
    """The loss as it was computed.

    Attributes:
        kind: "cross-entropy", "binary-cross-entropy", "squared-error", "absolute-error" (also where it is rounded off
            at zero), "poisson" (the negative logarithm of a Poisson likelihood, of logarithms of rates), or "other".
        value: mean over the targets, without class weights.
        total: the number that was minimized.
        operation: index of the operation that computes it.
        output: index of the operation that gives the prediction (logits), where it could be told.
        targets: class indices (with ignored ones left out), shares per class, or numbers; None if unknown.
        classes: number of classes of a cross-entropy.
        predicted, wanted: shapes of prediction and targets as the loss was given them.
        normalized: what the loss takes for logits are already probabilities or log-probabilities; or what it takes for
            log-probabilities are raw scores.
    """

    kind: Literal["cross-entropy", "binary-cross-entropy", "squared-error", "absolute-error", "poisson", "other"]
    value: float
    total: float
    operation: int
    output: int | None
    targets: Array | None
    classes: int | None
    predicted: tuple[int, ...]
    wanted: tuple[int, ...]
    normalized: Literal["", "probabilities", "log-probabilities", "raw scores"] = ""


@dataclass(frozen=True, eq=False)
class Observation:
    """A model at step 0.

    Attributes:
        parameters: and buffers, in the model's order.
        operations: of one forward pass, in order; empty when only values are known.
        loss: None without one.
        samples: size of the batch.
        synthetic: the input was made up.
        seed: of what is random in the pass.
        spaces: axes along which units can be renamed, as far as that is known for sure.
        swaps: exchanges of whole parameters that are known to change no output and, at the start, no value.
        still: what zeros hold still, if that is known of anything.
        vanish: follows what is added to a parameter to where it vanishes.
        noise: modules whose noise (dropout) is part of training.
        events: what was seen while the model was built, if that was watched.
        unused: trainable parameters that the loss does not depend on.
        probe: gives the gradients at another point.
        look: gives gradients and units at another point, on fresh inputs, in float64 where the model can.
        walk: takes real steps on a copy.
    """

    parameters: tuple[Parameter, ...]
    operations: tuple[Operation, ...] = ()
    loss: Loss | None = None
    samples: int = 0
    synthetic: bool = False
    seed: int = 0
    spaces: tuple[Space, ...] = ()
    swaps: tuple[Swap, ...] = ()
    still: Still | None = None
    vanish: Vanish | None = None
    noise: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    unused: tuple[str, ...] = ()
    probe: Probe | None = None
    look: Look | None = None
    walk: Walk | None = None

    def parameter(self, name: str) -> Parameter:
        """Return the parameter or buffer that goes by this name.

        Raises:
            KeyError: none does.
        """
        for parameter in self.parameters:
            if name in parameter.names:
                return parameter
        raise KeyError(name)


PAST = "written past the framework"
"""The operation of an event whose writer was not seen: NumPy, or a library in C."""


@dataclass(frozen=True)
class Event:
    """A write to a parameter while the model was built.

    Attributes:
        parameter: its name in the finished model.
        order: number of the write, over all parameters.
        operation: "normal_", "zero_", "copy_", ...; "empty" for memory that was reserved and not written.
        where: file and line in the user's code that asked for it.
        own: PyTorch's layer, or another library, did it by itself.
        born: the memory is new: another tensor takes the place of what was there.
        whole: it covers all entries; `entries` says how many it wrote.
        update: it changes what is there (mul_, add_), and does not replace it.
        value: the one value that all written entries have afterwards; None for several.
        random: the values were drawn.
        made: a method of the module that holds the parameter asked for it.
        loading: a state dict was being loaded.
        by, call: the initializer's name, and its call as code with "{}" for the parameter, "" if it cannot be told.
        after: some of the memory afterwards, to tell whether a later write changed anything.
    """

    parameter: str
    order: int
    operation: str
    where: str
    own: bool
    born: bool = False
    whole: bool = True
    entries: int = 0
    update: bool = False
    value: float | None = None
    random: bool = False
    made: bool = False
    loading: bool = False
    by: str = ""
    call: str = ""
    after: bytes = b""


__all__ = [
    "Event",
    "Gradient",
    "Loss",
    "Observation",
    "Operation",
    "Parameter",
    "Sight",
    "Signal",
    "Slices",
    "Weight",
]
