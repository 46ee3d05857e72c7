"""The callback in a real training by the Trainer of Hugging Face."""

from __future__ import annotations

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from symbreak.integrations.start import UnsoundStart, UnsoundStartWarning
from symbreak.integrations.transformers import StartCallback

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*pin_memory"),
]


def train(model, samples, *callbacks, folder, steps=6, **options):
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=steps, per_device_train_batch_size=16, report_to="none", disable_tqdm=True,
        save_strategy="no", logging_strategy="no", use_cpu=True, learning_rate=0.01, seed=3, **options,
    )  # fmt: skip
    Trainer(model=model, args=arguments, train_dataset=samples, callbacks=list(callbacks)).train()
    return model


def test_a_sound_model_is_trained_as_without_the_callback(make, samples, tmp_path):
    callback = StartCallback("raise", watch=6)
    watched = train(make(), samples, callback, folder=tmp_path)
    plain = train(make(), samples, folder=tmp_path)
    assert callback.findings == ()
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))
    assert [seen.step for seen in callback.watched.steps] == [0, 1, 4]
    assert {each.module for each in callback.watched.steps[0].layers} == {"first", "act", "second"}
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in watched.modules())


def test_tied_units_stop_the_training_before_its_first_step(make, samples, tmp_path):
    model = make(tied=True)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    with pytest.raises(UnsoundStart, match="symmetric-units"):
        train(model, samples, StartCallback("raise", watch=6), folder=tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())


def test_or_they_are_told(make, samples, tmp_path):
    callback = StartCallback()
    with pytest.warns(UnsoundStartWarning, match="are one for ever"):
        train(make(tied=True), samples, callback, folder=tmp_path)
    assert any(finding.rule == "symmetric-units" for finding in callback.findings)
    assert callback.watched is None, "the watch is off unless asked for"


def test_gradients_that_are_accumulated_are_one_step(make, samples, tmp_path):
    callback = StartCallback("off", watch=9)
    train(make(), samples, callback, folder=tmp_path, steps=5, gradient_accumulation_steps=2)
    assert [seen.step for seen in callback.watched.steps] == [0, 1, 4]
    assert callback.findings is None


def test_a_model_of_the_library(tmp_path):
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertForSequenceClassification(BertConfig(vocab_size=50, max_position_embeddings=16, **small))
    tokens = torch.randint(0, 50, (32, 12))
    samples = [{"input_ids": row, "labels": row[0] % 2} for row in tokens]
    callback = StartCallback("raise", watch=3)
    train(model, samples, callback, folder=tmp_path, steps=3)
    layers = {each.module: each for each in callback.watched.steps[0].layers}
    assert layers["bert.encoder.layer.1.intermediate.dense"].effective == 32
    assert layers["bert.encoder.layer.1.intermediate.intermediate_act_fn"].saturated is not None
