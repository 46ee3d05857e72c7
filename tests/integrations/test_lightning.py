"""The callback in a real Lightning training."""

from __future__ import annotations

import warnings

import pytest
import torch

from symbreak.integrations.start import UnsoundStart, UnsoundStartWarning

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Lightning's own dependencies
    from lightning.pytorch import LightningModule, Trainer

    from symbreak.integrations.lightning import StartCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*number of training batches"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
]


class Module(LightningModule):
    def __init__(self, model):
        super().__init__()
        self.model, self.steps = model, []

    def forward(self, x, labels):
        return self.model(x, labels)

    def training_step(self, batch, batch_idx):
        loss = self(batch["x"], batch["labels"])["loss"]
        self.log("loss", loss)
        return loss

    def on_before_optimizer_step(self, optimizer):
        self.steps.append(float(torch.cat([p.grad.flatten() for p in self.parameters()]).norm()))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(model, samples, *callbacks, steps=6, **options):
    torch.manual_seed(7)
    module = Module(model)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = Trainer(max_steps=steps, callbacks=list(callbacks), enable_model_summary=False, **quiet, **options)
    trainer.fit(module, torch.utils.data.DataLoader(samples, batch_size=16, shuffle=True))
    return module, trainer


def test_a_sound_model_is_trained_as_without_the_callback(make, samples):
    callback = StartCallback("raise", watch=6)
    with_it, trainer = fit(make(), samples, callback)
    without, plain = fit(make(), samples)
    assert callback.findings == ()
    assert with_it.steps == without.steps
    assert trainer.callback_metrics == plain.callback_metrics
    assert all(torch.equal(a, b) for a, b in zip(with_it.parameters(), without.parameters(), strict=True))
    assert [seen.step for seen in callback.watched.steps] == [0, 1, 4]
    assert {each.module for each in callback.watched.steps[0].layers} == {"model.first", "model.act", "model.second"}
    assert all(0 < update < 1 for update in callback.watched.steps[0].updates.values())


def test_tied_units_stop_the_training_before_its_first_step(make, samples):
    model = make(tied=True)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    with pytest.raises(UnsoundStart, match="symmetric-units") as caught:
        fit(model, samples, StartCallback("raise", watch=6))
    assert "model.get_parameter('model.first.weight')" in str(caught.value)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))
    assert not any(each._forward_hooks for each in model.modules())


def test_or_they_are_told(make, samples):
    callback = StartCallback()
    with pytest.warns(UnsoundStartWarning, match="are one for ever"):
        module, _ = fit(make(tied=True), samples, callback)
    assert len(module.steps) == 6
    assert any(finding.rule == "symmetric-units" for finding in callback.findings)
    assert callback.watched is None, "the watch is off unless asked for"


def test_off_is_off(make, samples):
    callback = StartCallback("off")
    fit(make(tied=True), samples, callback)
    assert callback.findings is None


def test_rules_can_be_chosen(make, samples):
    fit(make(tied=True), samples, StartCallback("raise", select=["non-finite"]))
    with pytest.raises(UnsoundStart):
        fit(make(tied=True), samples, StartCallback("raise", select=["symmetric-units"]))


def test_gradients_that_are_accumulated_are_one_step(make, samples):
    callback = StartCallback("off", watch=9)
    fit(make(), samples, callback, steps=5, accumulate_grad_batches=2)
    assert [seen.step for seen in callback.watched.steps] == [0, 1, 4]
    assert all(update > 0 for seen in callback.watched.steps for update in seen.updates.values())
