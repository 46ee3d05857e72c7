"""Weights in files: every form that trainers write is read, shards too, and nothing in any of them is run."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import symbreak
from symbreak.errors import InvalidInput


def sound():
    return torch.randn(32, 32, generator=torch.Generator().manual_seed(0)) * 0.1


def test_an_index_reads_its_shards(tmp_path):
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    save_file({"a.weight": sound(), "a.bias": torch.zeros(32)}, tmp_path / names[0])
    save_file({"b.weight": torch.full((4, 4), float("nan"))}, tmp_path / names[1])
    places = {"a.weight": names[0], "a.bias": names[0], "b.weight": names[1]}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    report = symbreak.check(index)
    assert report.parameters == 32 * 32 + 32 + 16
    assert [(f.rule, f.where.parameters) for f in report.findings] == [("non-finite", ("b.weight",))]


def test_an_index_of_what_torch_saved(tmp_path):
    torch.save({"a.weight": sound()}, tmp_path / "pytorch_model-00001-of-00001.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"a.weight": "pytorch_model-00001-of-00001.bin"}}))
    assert symbreak.check(str(index)).ok


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": 3}}', '{"weight_map": {"a": "../out.safetensors"}}',
     '{"weight_map": {"a": "/etc/passwd"}}', '{"weight_map": {"a": "model.safetensors.index.json"}}',
     '{"weight_map": {"a": "missing.safetensors"}}', '{"weight_map": {}}', "[" * 100_000],
)  # fmt: skip
def test_an_index_names_files_beside_it(text, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    save_file({"a": sound()}, tmp_path / "out.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(text)
    with pytest.raises(InvalidInput, match="nothing in it is run"):
        symbreak.check(index)


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.bin", "a.ckpt"])
@pytest.mark.parametrize("wrap", [None, "state_dict", "model_state_dict", "model"])
def test_what_trainers_save_is_read(name, wrap, tmp_path):
    state = nn.Linear(3, 2).state_dict()
    torch.save(state if wrap is None else {wrap: state, "epoch": 3, "optimizer": {}}, tmp_path / name)
    assert symbreak.check(tmp_path / name).parameters == 8


def test_one_tensor_is_a_file_of_weights(tmp_path):
    torch.save(sound(), tmp_path / "embedding.pt")
    assert symbreak.check(tmp_path / "embedding.pt").parameters == 1024


def test_names_are_only_names(tmp_path):
    hostile = {
        "a": sound(),
        "a.b": sound() * 1.1,
        "training": sound() * 1.2,
        "": sound() * 1.3,
        "forward.x": sound() * 1.4,
    }
    save_file(hostile, tmp_path / "w.safetensors")
    assert symbreak.check(tmp_path / "w.safetensors").parameters == 5 * 1024


def test_weights_that_are_tied_on_purpose_are_no_clones(tmp_path):
    table = nn.Embedding(32, 32)
    head = nn.Linear(32, 32, bias=False)
    head.weight = table.weight
    torch.save(nn.ModuleDict({"table": table, "head": head}).state_dict(), tmp_path / "w.pt")
    report = symbreak.check(tmp_path / "w.pt")
    assert report.ok
    assert report.parameters == 1024
    torch.save({"table.weight": sound(), "head.weight": sound()}, tmp_path / "cloned.pt")
    assert [f.rule for f in symbreak.check(tmp_path / "cloned.pt").findings] == ["cloned-layers"]


class Evil:
    """Unpickling it would make a folder."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.bin", "w.safetensors", "w.safetensors.index.json"])
@pytest.mark.parametrize("write", [torch.save, lambda what, path: path.write_bytes(pickle.dumps(what))])
@pytest.mark.filterwarnings("error")
def test_nothing_is_run_and_nobody_is_told_to(name, write, tmp_path):
    write({"weight": sound(), "more": Evil(tmp_path / "owned")}, tmp_path / name)
    with pytest.raises(InvalidInput) as caught:
        symbreak.check(tmp_path / name)
    assert not (tmp_path / "owned").exists()
    said = str(caught.value)
    assert "weights_only=False" not in said
    assert "trust" not in said
    assert said.isprintable() or all(c.isprintable() or c == "\n" for c in said)


def test_what_a_file_asks_for_is_named(tmp_path):
    torch.save(nn.Linear(3, 2), tmp_path / "whole.pt")
    with pytest.raises(InvalidInput, match=r"torch\.nn\.modules\.linear\.Linear"):
        symbreak.check(tmp_path / "whole.pt")


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_a_folder_and_an_empty_file_are_refused(make, tmp_path):
    make(tmp_path / "w.safetensors")
    with pytest.raises(InvalidInput, match="nothing in it is run"):
        symbreak.check(tmp_path / "w.safetensors")
