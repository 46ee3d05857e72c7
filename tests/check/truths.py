"""Evidence without the rules: train a little, measure, and raise where a case's story is not true."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from check.cases import Case, Task, Truth
from torch import nn

ROUNDING = 1e-4  # relative: a few steps of float32, added in another order


def forward(network: nn.Module, x: Any) -> Any:
    """Call a model on a tensor, a tuple of arguments or a dict of keywords."""
    if isinstance(x, dict):
        return network(**x)
    return network(*x) if isinstance(x, tuple) else network(x)


def main_tensor(output: Any) -> Any:
    """Return the tensor that a plain loss reads: the output, its `.logits`, or its first entry."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, dict):
        return output["logits"] if "logits" in output else next(iter(output.values()))
    return output.logits if hasattr(output, "logits") else output[0]


def loss_of(task: Task, network: nn.Module) -> torch.Tensor:
    """Return the loss: by `loss_fn` of the output or its main tensor, or the model's own `.loss`."""
    output = forward(network, task.x)
    if task.loss_fn is None:
        return output["loss"] if isinstance(output, dict) else output.loss
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using a target size")
        try:
            return task.loss_fn(output, task.y)
        except (TypeError, AttributeError):
            return task.loss_fn(main_tensor(output), task.y)


@contextmanager
def seeded(seed: int = 1) -> Iterator[None]:
    """Run with a seed of its own, for dropout."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def optimizer_of(network: nn.Module, name: str, rate: float) -> torch.optim.Optimizer:
    """Return gradient descent ("gd") or Adam ("adam") over what is to be trained."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.SGD(parameters, rate) if name == "gd" else torch.optim.Adam(parameters, rate)


def train(
    task: Task,
    steps: int,
    *,
    rate: float = 0.01,
    optimizer: str = "adam",
    watch: Callable[[nn.Module], None] | None = None,
) -> tuple[nn.Module, list[float]]:
    """Return a copy of the model after full-batch steps, and the loss before each step and after the last."""
    network, losses = copy.deepcopy(task.network), []
    descent = optimizer_of(network, optimizer, rate)
    with seeded():
        for _ in range(steps):
            descent.zero_grad(set_to_none=True)
            loss = loss_of(task, network)
            loss.backward()
            losses.append(float(loss.detach()))
            if watch:
                watch(network)
            descent.step()
        losses.append(float(loss_of(task, network).detach()))
    return network, losses


def parameter(network: nn.Module, name: str) -> torch.Tensor:
    """Return a parameter or buffer by its name."""
    return dict(network.named_parameters(), **dict(network.named_buffers()))[name].detach()


# --- what stays as it is ---


def tied(name: str, *, groups: list[list[int]] | None = None, axis: int = 0, steps: int = 20, sign: float = 1) -> Truth:
    """Slices of a parameter along an axis equal each other (up to a factor) before and after training by descent."""

    def truth(case: Case) -> None:
        trained, losses = train(case.build(), steps, rate=0.1, optimizer="gd")
        assert all(torch.isfinite(torch.tensor(losses)))
        for network in (case.build().network, trained):
            slices = parameter(network, name).movedim(axis, 0).flatten(1)
            assert len(slices) > 1
            for first, *others in groups or [list(range(len(slices)))]:
                for other in others:
                    bound = ROUNDING * float(slices.abs().max())
                    assert float((slices[other] - sign * slices[first]).abs().max()) <= bound

    return truth


def frozen(*names: str, steps: int = 10) -> Truth:
    """Parameters whose gradient is exactly zero at every step while the rest is trained by Adam."""

    def truth(case: Case) -> None:
        def watch(network: nn.Module) -> None:
            gradients = {name: p.grad for name, p in network.named_parameters()}
            for name in names:
                assert gradients[name] is None or not gradients[name].any(), f"{name} moves"

        train(case.build(), steps, watch=watch)

    return truth


def bit_equal(first: str, *others: str) -> Truth:
    """Tensors in storage of their own with the same bits."""

    def truth(case: Case) -> None:
        network = case.build().network
        one = parameter(network, first)
        for name in others:
            other = parameter(network, name)
            assert torch.equal(one, other)
            assert one.data_ptr() != other.data_ptr()
        assert one.std() > 0

    return truth


# --- what it costs ---


def learns(steps: int = 60, *, rate: float = 0.01, to: float = 0.8, optimizer: str = "adam", still: str = "-") -> Truth:
    """The loss falls to a fraction of its first value, and every trained parameter moves (but those named `still`)."""

    def truth(case: Case) -> None:
        task = case.build()
        trained, losses = train(task, steps, rate=rate, optimizer=optimizer)
        assert losses[-1] < to * losses[0], f"{losses[0]:.4g} -> {losses[-1]:.4g}"
        before = dict(task.network.named_parameters())
        same = [n for n, p in trained.named_parameters() if p.requires_grad and torch.equal(p, before[n])]
        assert not [name for name in same if still not in name], f"never moved: {same}"

    return truth


def behind(cure: Callable[[Task], None], *, steps: int = 40, rate: float = 0.01, optimizer: str = "adam") -> Truth:
    """After as many steps the start is clearly behind its repaired twin: it has kept more than twice the loss, or
    has come less than half as far down from its own start."""

    def truth(case: Case) -> None:
        task, twin = case.build(), case.build()
        with torch.no_grad(), seeded(2):
            cure(twin)
        _, losses = train(task, steps, rate=rate, optimizer=optimizer)
        _, cured = train(twin, steps, rate=rate, optimizer=optimizer)
        assert cured[-1] < 0.8 * cured[0], f"the twin does not learn either: {cured[0]:.4g} -> {cured[-1]:.4g}"
        slow = losses[0] - losses[-1] < 0.5 * (cured[0] - cured[-1])
        text = f"{losses[0]:.4g} -> {losses[-1]:.4g}, twin {cured[0]:.4g} -> {cured[-1]:.4g}"
        assert not losses[-1] < 2 * cured[-1] or (slow and losses[-1] > 1.2 * cured[-1]), text

    return truth


def starts_above(reference: float, ratio: float) -> Truth:
    """The first loss is more than `ratio` times that of a model that knows only the targets' distribution."""

    def truth(case: Case) -> None:
        task = case.build()
        loss = float(loss_of(task, task.network).detach())
        assert loss > ratio * reference, f"{loss:.4g} against {reference:.4g}"

    return truth


def broadcasts(case: Case) -> None:
    """The output and the targets differ in shape, and the loss is not that of the aligned shapes."""
    task = case.build()
    output = main_tensor(forward(task.network, task.x)).detach()
    assert output.shape != task.y.shape
    assert output.numel() == task.y.numel()
    loss, aligned = loss_of(task, task.network), task.loss_fn(output.reshape(task.y.shape), task.y)
    assert abs(float(loss.detach()) - float(aligned)) > 1e-3 * float(aligned)


def breaks(case: Case) -> None:
    """The loss or a gradient is not finite."""
    task = case.build()
    network = copy.deepcopy(task.network)
    loss = loss_of(task, network)
    if torch.isfinite(loss):
        loss.backward()
        assert not all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


# --- what is measured at the start ---


@contextmanager
def outputs_of(network: nn.Module, names: tuple[str, ...]) -> Iterator[dict[str, torch.Tensor]]:
    """Collect the outputs of modules, with their gradients kept."""
    seen: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            seen[name] = main_tensor(output)
            if seen[name].requires_grad:
                seen[name].retain_grad()

        return hook

    modules = dict(network.named_modules())
    handles = [modules[name].register_forward_hook(keep(name)) for name in names]
    yield seen
    for handle in handles:
        handle.remove()


def measured(case: Case, *names: str) -> tuple[dict[str, torch.Tensor], nn.Module]:
    """Return outputs of modules after a forward and backward pass, and the model with its gradients."""
    task = case.build()
    network = copy.deepcopy(task.network)
    with seeded(), outputs_of(network, names) as seen:
        loss_of(task, network).backward()
    return seen, network


def rms(values: torch.Tensor) -> float:
    """Return the root of the mean square."""
    return float(values.detach().double().square().mean().sqrt())


def signal(first: str, last: str, *, below: float = 0, above: float = 0) -> Truth:
    """The root mean square of the last module's output, relative to the first's, is below or above a bound."""

    def truth(case: Case) -> None:
        seen, _ = measured(case, first, last)
        ratio = rms(seen[last]) / rms(seen[first])
        assert (ratio < below) if below else (ratio > above), f"{ratio:.3g}"

    return truth


def gradient(first: str, last: str, *, below: float = 0, above: float = 0) -> Truth:
    """The gradient of the first parameter, relative to that of the last, by root mean square."""

    def truth(case: Case) -> None:
        _, network = measured(case)
        gradients = {name: p.grad for name, p in network.named_parameters()}
        ratio = rms(gradients[first]) / rms(gradients[last])
        assert (ratio < below) if below else (ratio > above), f"{ratio:.3g}"

    return truth


def alike(module: str, *, above: float = 0.99) -> Truth:
    """The outputs of a module for different inputs point the same way: their mean cosine is above a bound."""

    def truth(case: Case) -> None:
        seen, _ = measured(case, module)
        rows = nn.functional.normalize(seen[module].detach().flatten(1).double(), dim=1)
        count = len(rows)
        cosine = float((rows @ rows.T).sum() - count) / (count * (count - 1))
        assert cosine > above, f"{cosine:.4f}"

    return truth


def flat(module: str, *, low: float, high: float, share: float = 0.5) -> Truth:
    """More than a share of a module's outputs lie at or outside two levels, where the activation is flat."""

    def truth(case: Case) -> None:
        seen, _ = measured(case, module)
        outside = float(((seen[module] <= low) | (seen[module] >= high)).float().mean())
        assert outside > share, f"{outside:.2f}"

    return truth


def off(module: str, *, share: float = 0.5) -> Truth:
    """More than a share of a module's units give zero on every sample."""

    def truth(case: Case) -> None:
        seen, _ = measured(case, module)
        values = seen[module].detach()
        units = values.movedim(1, -1).flatten(0, -2) if values.dim() == 4 else values.flatten(0, -2)
        dead = float((units == 0).all(0).float().mean())
        assert dead > share, f"{dead:.2f}"

    return truth


def both(*truths: Truth) -> Truth:
    """Every one of the truths."""

    def truth(case: Case) -> None:
        for one in truths:
            one(case)

    return truth


def value(name: str, wrong: Callable[[torch.Tensor], bool]) -> Truth:
    """A parameter or buffer of the built model is as described."""

    def truth(case: Case) -> None:
        assert wrong(parameter(case.build().network, name))

    return truth
