"""One forward pass as data: every operation that PyTorch's dispatcher saw, whatever the model's own code looks like.

Below autograd all models are made of the same few hundred operations (`aten`): a layer class of any library, a call of
`torch.nn.functional` and an operator are told by what they do, not by what they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_hooks
from torch.nn.modules.conv import _ConvNd
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.weak import WeakIdKeyDictionary

from symbreak.torch.nested import tensors
from symbreak.torch.operations import FRESH, kind_of


@dataclass(frozen=True)
class Ref:
    """An argument that is output number `output` of the record number `record`."""

    record: int
    output: int = 0


@dataclass(frozen=True)
class Leaf:
    """An argument that is a parameter or buffer of the model, by its first name."""

    name: str


@dataclass(eq=False)
class Record:
    """One operation.

    Attributes:
        index: its place in the order of execution.
        target: name of the operation: "addmm", "relu_", or "input" for what the model is given.
        module: path of the innermost module that it ran in.
        arguments: by the names of its schema, defaults filled in; tensors as `Ref`, `Leaf`, or None if they are
            constants made on the way.
        operand_shapes: shapes of all tensor arguments, in order, constants among them.
        named_shapes: shapes of the tensor arguments by their names, without those inside lists.
        shape: of its first output; `shapes` of all.
        floating: whether the first output holds floats.
        data: whether it depends on what is entered: the model's input, the targets.
    """

    index: int
    target: str
    module: str
    arguments: Mapping[str, Any]
    operand_shapes: tuple[tuple[int, ...], ...]
    named_shapes: Mapping[str, tuple[int, ...]]
    shape: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    floating: bool
    data: bool

    @cached_property
    def tensors(self) -> list[Ref | Leaf]:
        """Arguments that are tensors of the pass, in order."""
        return [item for item in tree_flatten(list(self.arguments.values()))[0] if isinstance(item, (Leaf, Ref))]

    @property
    def refs(self) -> list[Ref]:
        """Arguments that earlier operations made, in order."""
        return [item for item in self.tensors if isinstance(item, Ref)]

    @property
    def leaves(self) -> list[str]:
        """Names of the parameters and buffers that it reads."""
        return [item.name for item in self.tensors if isinstance(item, Leaf)]


@dataclass(eq=False)
class Trace:
    """All operations of a forward pass, what the gradient is taken of, and what the pass returned.

    Attributes:
        records: the operations.
        ends: what the gradient is taken of.
        numbers: what was read out of tensors as plain numbers: the model's own code may go by it.
        units: for modules that own a matrix, what each of their runs gave, and its axis of units.
        result: what the pass returned.
        noise: modules that drew noise.
    """

    records: list[Record] = field(default_factory=list)
    ends: list[Ref | Leaf] = field(default_factory=list)
    numbers: list[Ref | Leaf] = field(default_factory=list)
    units: dict[str, list[tuple[Ref, int]]] = field(default_factory=dict)
    result: Any = None
    noise: set[str] = field(default_factory=set)


Watch = Callable[[Record, tuple[Any, ...], Mapping[str, Any], Tensor], Any]
"""Called with a record, the arguments and the first output; returns what to call with that output's gradient."""


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down every operation while it is active. Noise is replaced by its mean, so that the pass is the mean one.

    `watch` sees every floating result that depends on the data while it is in memory; nothing is kept alive.
    """

    def __init__(self, model: nn.Module, watch: Watch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = Trace()
        self._watch = watch
        self._made: Any = WeakIdKeyDictionary()
        self._leaves = {id(tensor): name for name, tensor in named_tensors(model)}
        self._paths = {id(module): name for name, module in model.named_modules()}
        self._sharing: dict[int, Any] = {}
        self._stale: Any = WeakIdKeyDictionary()
        self._stack: list[str] = []
        self._pending: list[tuple[Tensor, Any]] = []

    @contextmanager
    def modules(self) -> Iterator[None]:
        """Follow which module runs. The hooks are global ones: no module is touched."""

        def enter(module: nn.Module, _: Any) -> None:
            self._stack.append(self._paths.get(id(module), self._stack[-1] if self._stack else ""))

        def leave(module: nn.Module, _: Any, output: Any) -> None:
            self._stack.pop()
            self._note_units(module, output)

        before = module_hooks.register_module_forward_pre_hook(enter)
        after = module_hooks.register_module_forward_hook(leave, always_call=True)
        try:
            yield
        finally:
            before.remove()
            after.remove()

    def _note_units(self, module: nn.Module, output: Any) -> None:
        path, seen = self._paths.get(id(module)), units_in(module, output)
        made = self.find(seen[0]) if path is not None and seen is not None else None
        if path is not None and seen is not None and made is not None:
            self.trace.units.setdefault(path, []).append((made, seen[1]))

    def add_input(self, name: str, value: Any) -> None:
        """Enter tensors (nested as they may be) that the pass is given."""
        for tensor in tensors(value):
            if self.find(tensor) is None:
                shape = tuple(tensor.shape)
                index = len(self.trace.records)
                record = Record(index, name, "", {}, (), {}, shape, (shape,), tensor.is_floating_point(), True)
                self.trace.records.append(record)
                self._made[tensor] = Ref(index)
                if record.floating and name == "input":
                    self._watch(record, (tensor,), {}, tensor)

    def add_end(self, value: Any) -> None:
        """Enter what the gradient is taken of: the loss, or all outputs."""
        flat = tree_flatten(value)[0]
        found = [self._reference(tensor) for tensor in flat if isinstance(tensor, Tensor)]
        self.trace.ends += [ref for ref in found if ref is not None]

    def find(self, tensor: Tensor) -> Ref | None:
        """Return what made this tensor."""
        found: Ref | None = self._made.get(tensor)
        return found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        self.attach()
        name = func.overloadpacket.__name__
        given = _by_name(func, args, kwargs)
        seen = self._as_given(name, args)
        if name == "bernoulli_":
            self.trace.noise.add(self._stack[-1] if self._stack else "")
        self._refresh(given)
        targets = list(written(func, args, kwargs))
        result = noiseless(func, args, kwargs)
        outputs = [item for item in tree_flatten(result)[0] if isinstance(item, Tensor)]
        source = self._made.get(args[0]) if name in ("detach", "alias") else None
        if source is not None:
            self._made[outputs[0]] = source
        elif outputs:
            self._enter(name, given, outputs, seen, kwargs)
        else:
            read = [self._reference(tensor) for tensor in tensors(given)]
            self.trace.numbers += [item for item in read if item is not None]
        if func.is_view:
            self._share(args[0], outputs)
        for target in targets:
            self._write_through(target)
        return result

    def _share(self, base: Any, views: list[Tensor]) -> None:
        """Note tensors that have their memory in common."""
        place = _place(base)
        if place:
            known = self._sharing.setdefault(place, WeakIdKeyDictionary())
            known.update(dict.fromkeys((base, *views)))

    def _write_through(self, target: Tensor) -> None:
        """Note that what is written to a view is written to what it is a view of, and to other views of that."""
        new = self._made.get(target)
        for tensor in list(self._sharing.get(_place(target), ())):
            old = self._made.get(tensor)
            if None not in (new, old) and old != new and tensor is not target and _overlap(tensor, target):
                self._stale[tensor] = target

    def _refresh(self, given: Mapping[str, Any]) -> None:
        """Enter what was written to a tensor through another one, now that it is read."""
        for tensor in tensors(dict(given)):
            source = self._stale.pop(tensor, None) if len(self._stale) else None
            if source is not None:
                self._enter("write", {"self": tensor, "source": source}, [tensor], (tensor,), {})

    def attach(self) -> None:
        """Hook the gradients of results that autograd has finished: it has done so when the next operation comes."""
        for tensor, hook in self._pending:
            if tensor.requires_grad:
                tensor.register_hook(hook)  # type: ignore[no-untyped-call]
        self._pending.clear()

    @staticmethod
    def _as_given(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Keep the argument of an activation that is about to be overwritten in place."""
        if name.endswith("_") and kind_of(name) == "activation":
            return (args[0].detach().clone(), *args[1:])
        return args

    def _reference(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) in self._leaves:
            return Leaf(self._leaves[id(value)])
        return self._made.get(value)

    def _enter(
        self,
        name: str,
        given: dict[str, Any],
        outputs: list[Tensor],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        records = self.trace.records
        first = outputs[0]
        record = Record(
            index=len(records),
            target=name,
            module=self._stack[-1] if self._stack else "",
            arguments=tree_map(self._reference, given),
            operand_shapes=tuple(tuple(item.shape) for item in tree_flatten(given)[0] if isinstance(item, Tensor)),
            named_shapes={key: tuple(item.shape) for key, item in given.items() if isinstance(item, Tensor)},
            shape=tuple(first.shape),
            shapes=tuple(tuple(output.shape) for output in outputs),
            floating=first.is_floating_point(),
            data=False,
        )
        record.data = name not in FRESH and any(records[ref.record].data for ref in record.refs)
        records.append(record)
        for number, output in enumerate(outputs):
            if id(output) not in self._leaves:
                self._made[output] = Ref(record.index, number)
        hook = self._watch(record, args, kwargs, first) if record.floating else None
        if hook is not None:
            self._pending.append((first, hook))


def has_units(module: nn.Module) -> bool:
    """Tell whether a module owns a matrix."""
    return any(p.dim() > 1 for p in module.parameters(recurse=False))


def units_in(module: nn.Module, output: Any) -> tuple[Tensor, int] | None:
    """Return what a module with a matrix gives, and the axis of its units; None where there are none."""
    tensor = next(tensors(output), None) if has_units(module) else None
    if tensor is None or not tensor.is_floating_point() or tensor.dim() < 2:
        return None
    return tensor, 1 if isinstance(module, _ConvNd) and tensor.dim() > 2 else tensor.dim() - 1


def noiseless(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run an operation; a mask of dropout becomes its mean, so that dropout passes its input on as it is."""
    if func.overloadpacket.__name__ == "bernoulli_" and not isinstance(args[1] if len(args) > 1 else 0.5, Tensor):
        return args[0].fill_(args[1] if len(args) > 1 else 0.5)
    return func(*args, **kwargs)


class Noiseless(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Replace dropout's noise by its mean, as the observed pass did."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        return noiseless(func, args, kwargs or {})


def _place(tensor: Any) -> int:
    if not isinstance(tensor, Tensor) or tensor.layout != torch.strided or not tensor.numel():
        return 0
    return tensor.untyped_storage().data_ptr()


def _overlap(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors of one storage have an entry in common."""
    if a.dtype != b.dtype:
        return True
    marked = torch.zeros(a.untyped_storage().nbytes() // a.element_size(), dtype=torch.bool, device=a.device)
    marked.as_strided(b.shape, b.stride(), b.storage_offset()).fill_(True)
    return bool(marked.as_strided(a.shape, a.stride(), a.storage_offset()).any())


def written(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
    """Yield the tensors that an operation is about to write to."""
    if func._schema.is_mutable:
        for place, argument in enumerate(func._schema.arguments):
            if argument.is_write:
                yield from tensors(args[place] if place < len(args) else kwargs.get(argument.name))


def _by_name(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by the names of the operation's schema, in its order, with its defaults."""
    given = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | dict(kwargs)
    return {a.name: given.get(a.name, a.default_value) for a in func._schema.arguments}


def named_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield parameters and buffers, each tensor once, under its first name."""
    yield from model.named_parameters()
    yield from model.named_buffers()


def record_pass(model: nn.Module, run: Callable[[Recorder], Any], watch: Watch) -> Trace:
    """Run `run` with everything that the model does written down; it may enter inputs on the recorder it is given."""
    recorder = Recorder(model, watch)
    with torch.enable_grad(), recorder.modules():
        recorder.trace.result = run(recorder)
    recorder.attach()
    return recorder.trace
