"""A callback for the Trainer of Hugging Face: `Trainer(..., callbacks=[StartCallback()])`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from symbreak.diagnosis.finding import Finding
from symbreak.errors import MissingDependency
from symbreak.integrations.record import Watched
from symbreak.integrations.start import chosen
from symbreak.integrations.watch import Watch

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise MissingDependency(
        "this callback needs transformers\n  got: nothing of this name\n  allowed: transformers\n"
        "  try: pip install transformers"
    ) from error


class StartCallback(TrainerCallback):
    """Checks a model on its first batch, before the first step, and watches the first steps if asked to.

    Args:
        check: "warn", "raise" (`UnsoundStart`), or "off".
        watch: steps before this number are watched; 0 for none.
        select: slugs of the only rules of the check.
        ignore: slugs of rules to leave out.
        only: pattern of the names of the parameters to judge, where the others are pretrained, such as "classifier.*".

    Attributes:
        findings: what the check found; None before it has run.
        watched: what the watch saw; None without one.

    The check takes the batch that the model is called with first, runs it with the model's own loss, and changes
    nothing: values, gradients and random states are as before. A resumed training and one in several processes is not
    checked.

    >>> StartCallback(check="raise", watch=100).findings is None
    True
    """

    def __init__(
        self,
        check: str = "warn",
        *,
        watch: int = 0,
        select: Iterable[str] | None = None,
        ignore: Iterable[str] | None = None,
        only: str | None = None,
    ) -> None:
        self._check = chosen(check, select, ignore, only)
        self._steps = watch
        self._watch: Watch | None = None
        self._waiting: RemovableHandle | None = None
        self.findings: tuple[Finding, ...] | None = None

    @property
    def watched(self) -> Watched | None:
        """What the watch saw so far."""
        return None if self._watch is None else self._watch.watched

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Wait for the first batch, unless the training goes on from a checkpoint."""
        if state.global_step == 0 and self.findings is None and self._check.choice != "off":
            self._waiting = model.register_forward_pre_hook(self._first, with_kwargs=True)
        if self._steps:
            self._watch = Watch(model, self._steps)

    def _first(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._wait_no_more()
        if self._watch is not None:
            self._watch.stop()  # the passes of the check are none of the training's
        self.findings = self._check.run(model, args if args else kwargs)
        if self._watch is not None:
            self._watch.begin(0)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin to watch a step."""
        if self._watch is not None:
            self._watch.begin(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the watch of a step."""
        if self._watch is not None:
            self._watch.end()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Leave no hooks behind."""
        self._wait_no_more()
        if self._watch is not None:
            self._watch.stop()

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.remove()
            self._waiting = None
