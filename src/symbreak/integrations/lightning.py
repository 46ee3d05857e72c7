"""A callback for Lightning: `Trainer(callbacks=[StartCallback()])`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from symbreak.diagnosis.finding import Finding
from symbreak.errors import MissingDependency
from symbreak.integrations.record import Watched
from symbreak.integrations.start import chosen
from symbreak.integrations.watch import Watch

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise MissingDependency(
        "this callback needs Lightning\n  got: no lightning\n  allowed: lightning\n  try: pip install lightning"
    ) from error


class StartCallback(Callback):
    """Checks a model on its first batch, before the first step, and watches the first steps if asked to.

    Args:
        check: "warn", "raise" (`UnsoundStart`), or "off".
        watch: steps before this number are watched; 0 for none.
        select: slugs of the only rules of the check.
        ignore: slugs of rules to leave out.
        only: pattern of the names of the parameters to judge, where the others are pretrained.

    Attributes:
        findings: what the check found; None before it has run.
        watched: what the watch saw; None without one.

    The check runs `training_step` and changes nothing: values, gradients, logged numbers and random states are as
    before. A resumed training, one with manual optimization, and one in several processes is not checked.

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
        super().__init__()
        self._check = chosen(check, select, ignore, only)
        self._steps = watch
        self._watch: Watch | None = None
        self._begun = 0
        self.findings: tuple[Finding, ...] | None = None

    @property
    def watched(self) -> Watched | None:
        """What the watch saw so far."""
        return None if self._watch is None else self._watch.watched

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Check before the first step; begin to watch a step."""
        first = trainer.global_step == 0 and batch_idx == 0 and trainer.current_epoch == 0
        if first and self.findings is None and self._check.choice != "off" and pl_module.automatic_optimization:
            with _stepping(pl_module):
                self.findings = self._check.run(pl_module, (batch, batch_idx))
        if self._steps and self._watch is None:
            self._watch = Watch(pl_module, self._steps)
        if self._watch is not None:
            self._begun = trainer.global_step
            self._watch.begin(self._begun)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End the watch of a step; with accumulated gradients it lasts for several batches."""
        if self._watch is not None and trainer.global_step > self._begun:
            self._watch.end()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave no hooks behind."""
        if self._watch is not None:
            self._watch.stop()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave no hooks behind."""
        if self._watch is not None:
            self._watch.stop()


@contextmanager
def _stepping(module: LightningModule) -> Iterator[None]:
    """Let a call of the module run its training step, which may call the module itself, and log nothing."""
    own = vars(module)

    def step(*arguments: Any) -> Any:
        # Inside, the module is what its class says.
        own.pop("forward")
        try:
            return module.training_step(*arguments)
        finally:
            own["forward"] = step

    quiet = {"forward": step, "log": _nothing, "log_dict": _nothing}
    before = {name: own[name] for name in quiet if name in own}
    own.update(quiet)
    try:
        yield
    finally:
        for name in quiet:
            own.pop(name, None)
        own.update(before)


def _nothing(*_: Any, **__: Any) -> None:
    pass
