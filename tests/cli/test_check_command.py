"""`symbreak check`, `rules` and `explain` as a user runs them: what goes where, exit codes, and how they fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from symbreak.cli import run
from symbreak.diagnosis.rules import RULES

MODELS = """
import torch
from torch import nn

print("imported")


def healthy():
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))


def tied():
    print("built")
    model = healthy()
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)
    return model


def loud():
    model = healthy()
    nn.init.normal_(model[2].weight, std=5.0)
    return model


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(11, 8), nn.Linear(8, 11)

    def forward(self, ids, mask):
        return self.out(self.words(ids) * mask.unsqueeze(-1))


class Holder:
    make = staticmethod(healthy)


ready = healthy()


def raising():
    raise RuntimeError("no such\\x1b[31m\\nconfiguration")


def exits():
    raise SystemExit(0)


def shapeless():
    return nn.Linear(6, 3)(torch.randn(2, 5))


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 6))

    def forward(self, x):
        return x @ self.weight.T / (0 // len([]))


def number():
    return 3


def nothing():
    pass


def make_batch():
    return torch.randn(30, 6), torch.arange(30) % 3


def make_input():
    return torch.randn(30, 6)


def own_loss(output, y):
    return nn.functional.cross_entropy(output, y)
"""
CLASSES = ["--input", "30,6", "--loss", "cross-entropy", "--classes", "3"]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A folder with models, which is the current one; its modules are forgotten afterwards."""
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "wrong.py").write_text("import torch\ndef build(:\n")
    (tmp_path / "breaks.py").write_text("import torch\nvalue = {}['key']\n")
    (tmp_path / "imports.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    yield tmp_path
    assert sys.path == before
    for name in ("models", "wrong", "breaks", "imports"):
        sys.modules.pop(name, None)


def checked(capsys, *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(["check", *arguments])
    return code, *capsys.readouterr()


def found(capsys, *arguments: str) -> list[dict]:
    """Return the findings as data."""
    code, out, _ = checked(capsys, *arguments, "--format", "json")
    assert code in (0, 1)
    return [finding for rule in json.loads(out)["rules"] for finding in rule["findings"]]


def test_a_sound_model_is_exit_code_0(capsys):
    code, out, _ = checked(capsys, "models:healthy", *CLASSES)
    assert code == 0
    assert out.startswith("models:healthy (Sequential), 323 parameters: sound by 18 checks\n")
    assert len(out.splitlines()) == 2 + len(RULES)


def test_a_tied_model_is_exit_code_1_with_a_proof(capsys):
    code, out, err = checked(capsys, "models:tied", *CLASSES)
    assert code == 1
    assert "error: symmetric-units (proved)" in out
    assert "Traceback" not in err


def test_what_the_users_code_prints_goes_to_stderr(capsys):
    code, out, err = checked(capsys, "models:tied", *CLASSES, "--format", "json")
    assert code == 1
    assert json.loads(out)["schema"] == "symbreak/check/1"
    assert err.splitlines() == ["imported", "built"]


def test_findings_that_rest_on_made_up_input_say_so(capsys):
    (finding, *_) = [each for each in found(capsys, "models:loud", *CLASSES) if each["rule"] == "loss-at-init"]
    assert finding["synthetic"] is True
    real = found(capsys, "models:loud", "--batch", "models:make_batch")
    assert [each["synthetic"] for each in real if each["rule"] == "loss-at-init"] == [False]


@pytest.mark.parametrize("target", ["models:healthy", "models:Holder.make", "models:ready"])
def test_a_target_is_a_builder_or_a_model_however_deep(target, capsys):
    assert checked(capsys, target, *CLASSES)[0] == 0


def test_inputs_by_name_and_tokens(capsys):
    inputs = ["--input", "ids=4,9:int:11", "--input", "mask=4,9:bool"]
    code, _, err = checked(capsys, "models:Two", *inputs, "--loss", "cross-entropy", "--classes", "11")
    assert (code, "error" in err) == (0, False)


def test_without_input_values_and_construction_are_judged(capsys):
    code, out, _ = checked(capsys, "models:healthy")
    assert code == 0
    assert "symmetric-units       skipped: needs an input" in out
    assert "overwritten-init      ok" in out


def test_the_seed_makes_the_model_the_same_in_every_run(capsys):
    first, again, other = (
        checked(capsys, "models:loud", *CLASSES, "--format", "json", "--seed", seed)[1] for seed in ("5", "5", "6")
    )
    assert first == again != other


@pytest.mark.parametrize("loss", ["cross-entropy", "binary-cross-entropy", "squared-error", "none"])
def test_losses_by_name(loss, capsys):
    code, out, _ = checked(capsys, "models:healthy", "--input", "30,6", "--loss", loss)
    assert code == 0
    assert ("needs y and a loss" in out) == (loss == "none")


def test_a_loss_of_ones_own_on_a_batch(capsys):
    code, out, _ = checked(capsys, "models:healthy", "--batch", "models:make_batch", "--loss", "models:own_loss")
    assert (code, "skipped" in out) == (0, False)


def test_a_batch_without_targets(capsys):
    code, out, _ = checked(capsys, "models:healthy", "--batch", "models:make_input")
    assert code == 0
    assert "loss-at-init          skipped: needs y and a loss" in out


def test_a_batch_from_a_file(project, capsys):
    rng = np.random.default_rng(0)
    np.savez(project / "b.npz", x=rng.normal(size=(30, 6)), y=np.arange(30) % 3)
    code, out, _ = checked(capsys, "models:healthy", "--batch", "b.npz")
    assert (code, "skipped" in out) == (0, False)
    np.savez(project / "two.npz", ids=rng.integers(0, 11, (4, 9)), mask=np.ones((4, 9)))
    assert checked(capsys, "models:Two", "--batch", "two.npz")[0] == 0


class Evil:
    """Unpickling it would write a file."""

    def __reduce__(self):
        return Path.touch, (Path("owned"),)


@pytest.mark.parametrize("damage", ["cut", "zip", "npy", "text", "objects", "strings", "empty", "bits"])
def test_a_damaged_batch_is_refused(damage, project, capsys):
    path = project / "b.npz"
    np.savez_compressed(path, x=np.zeros((300, 60)))
    whole = path.read_bytes()
    content = {"cut": whole[: len(whole) // 2], "zip": b"PK\x03\x04rest", "text": b"x,y", "empty": b""}
    if damage == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif damage in ("objects", "strings"):
        np.savez(path, x=np.array([Evil()] if damage == "objects" else ["a"]))
    elif damage == "bits":
        path.write_bytes(whole[:60] + bytes(255 - byte for byte in whole[60:90]) + whole[90:])
    else:
        path.write_bytes(content[damage])
    code, out, err = checked(capsys, "models:healthy", "--batch", "b.npz")
    assert (code, out) == (2, "")
    assert "the batch cannot be read" in err
    assert not (project / "owned").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_file_of_weights(name, project, capsys):
    state = nn.Linear(3, 2).state_dict()
    (save_file if name.endswith("safetensors") else torch.save)(state, project / name)
    code, out, _ = checked(capsys, name)
    assert (code, out.splitlines()[0]) == (0, f"{name}, 8 parameters: sound by 3 checks, 15 skipped")
    state["weight"][0, 0] = float("nan")
    (save_file if name.endswith("safetensors") else torch.save)(state, project / name)
    assert checked(capsys, name)[0] == 1


def test_a_file_is_never_unpickled(project, capsys):
    torch.save({"weight": torch.zeros(2), "more": Evil()}, project / "w.pt")
    code, _, err = checked(capsys, "w.pt")
    assert code == 2
    assert "weights_only" in err
    assert not (project / "owned").exists()


def test_select_ignore_and_only(capsys):
    code, out, _ = checked(capsys, "models:tied", *CLASSES, "--select", "non-finite,dead-units", "--select", "plateau")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["non-finite", "dead-units", "plateau"]
    code, out, _ = checked(capsys, "models:tied", *CLASSES, "--ignore", "symmetric-units")
    assert "symmetric-units" not in out
    assert "symmetric-units" not in {each["rule"] for each in found(capsys, "models:tied", *CLASSES, "--only", "2.*")}


def test_formats(project, capsys):
    heads = {"json": '{"schema"', "sarif": '{"$schema"', "github": "::error file=models.py,line=", "html": "<!DOCTYPE"}
    for form, head in heads.items():
        code, out, _ = checked(capsys, "models:tied", *CLASSES, "--format", form)
        assert (code, out[: len(head)]) == (1, head)
        code, shown, _ = checked(capsys, "models:tied", *CLASSES, "--format", form, "--output", f"r.{form}")
        assert (code, shown) == (1, "")
        assert (project / f"r.{form}").read_text() == out


def test_an_annotation_stands_at_the_builder(project, capsys):
    _, out, _ = checked(capsys, "models:tied", *CLASSES, "--format", "github")
    line = int(out.split("line=")[1].split(",")[0])
    assert MODELS.splitlines()[line - 1] == "def tied():"


def test_text_in_a_file_has_no_colours(project, capsys):
    checked(capsys, "models:tied", *CLASSES, "--output", "r.txt")
    assert "error: symmetric-units (proved)" in (project / "r.txt").read_text()
    assert "\x1b" not in (project / "r.txt").read_text()


def test_a_baseline_leaves_out_what_is_known_and_names_what_vanished(project, capsys):
    code, out, _ = checked(capsys, "models:tied", *CLASSES, "--write-baseline", "known.json")
    assert code == 0
    assert "known" in out
    assert checked(capsys, "models:tied", *CLASSES, "--baseline", "known.json", "--seed", "3")[0] == 0
    code, out, _ = checked(capsys, "models:healthy", *CLASSES, "--baseline", "known.json")
    assert code == 0
    assert "vanished: symmetric-units in 0.weight, 0.bias" in out
    assert checked(capsys, "models:loud", *CLASSES, "--baseline", "known.json")[0] == 1


def test_a_baseline_is_written_alike_in_every_run(project, capsys):
    texts = []
    for seed in ("1", "2"):
        checked(capsys, "models:tied", *CLASSES, "--write-baseline", "known.json", "--seed", seed)
        texts.append((project / "known.json").read_text())
    assert texts[0] == texts[1]


SUPPRESSED = """
[tool.symbreak]
[[tool.symbreak.suppress]]
rule = "symmetric-units"
parameters = "0.*"
reason = "alike on purpose"
"""


def test_a_suppression_is_counted_and_shown_if_asked_for(project, capsys):
    (project / "pyproject.toml").write_text(SUPPRESSED)
    code, out, _ = checked(capsys, "models:tied", *CLASSES)
    assert code == 0
    assert "1 suppressed; --show-suppressed tells them" in out
    assert "alike on purpose" not in out
    assert "alike on purpose" in checked(capsys, "models:tied", *CLASSES, "--show-suppressed")[1]
    data = json.loads(checked(capsys, "models:tied", *CLASSES, "--format", "json")[1])
    assert [(each["rule"], each["reason"]) for each in data["suppressed"]] == [("symmetric-units", "alike on purpose")]


def test_what_is_suppressed_is_not_written_to_a_baseline(project, capsys):
    (project / "pyproject.toml").write_text(SUPPRESSED)
    checked(capsys, "models:tied", *CLASSES, "--write-baseline", "known.json")
    assert "0.weight" not in (project / "known.json").read_text()


def test_a_suppression_without_a_reason_is_refused(project, capsys):
    (project / "pyproject.toml").write_text(SUPPRESSED.replace('reason = "alike on purpose"', ""))
    code, out, err = checked(capsys, "models:tied", *CLASSES)
    assert (code, out) == (2, "")
    assert "a suppression needs a reason" in err
    assert "symmetric-units" in err


def test_the_command_line_comes_before_the_file(project, capsys):
    (project / "pyproject.toml").write_text('[tool.symbreak]\nselect = ["non-finite"]\n')
    assert len(checked(capsys, "models:tied", *CLASSES)[1].splitlines()) == 3
    assert "symmetric-units" in checked(capsys, "models:tied", *CLASSES, "--select", "symmetric-units")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["models:raising"], "RuntimeError: no such�[31m configuration (models.py:"),
        (["models:exits"], "SystemExit: 0 (models.py:"),
        (["models:shapeless"], "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x5 and 6x3) (models.py:"),
        (["models:Odd", "--input", "2,6"], "ZeroDivisionError: integer division or modulo by zero (models.py:"),
        (["wrong:build"], "SyntaxError: invalid syntax (wrong.py:2)"),
        (["breaks:build"], "KeyError: 'key' (breaks.py:2)"),
        (["imports:build"], "No module named 'nowhere_to_be_found' (imports.py:1)"),
        (["nowhere:build"], "No module named 'nowhere'"),
        (["models:helthy"], "no 'helthy' in models"),
        (["models:number"], "a builder returns a model"),
        (["models"], "pkg.mod:name"),
        (["missing.pt"], "no such file"),
        (["models:healthy", "--input", "2,x"], "an input is told by its shape"),
        (["models:healthy", "--input", "2,5"], "the model must run on the input"),
        (["models:healthy", "--input", "2,6", "--batch", "models:make_batch"], "made up, or it is data"),
        (["models:healthy", "--loss", "cross-entropy"], "a loss needs something"),
        (["models:healthy", "--classes", "3"], "a loss needs something"),
        (["models:healthy", "--input", "2,6", "--loss", "crossentropy"], "try: cross-entropy"),
        (["models:healthy", "--input", "2,6", "--loss", "models:own_loss"], "targets are made up for the losses"),
        (["models:healthy", "--input", "2,6", "--loss", "cross-entropy", "--classes", "4"], "an axis of 4 classes"),
        (["models:healthy", "--batch", "missing.npz"], "the batch cannot be read"),
        (["models:healthy", "--batch", "models:ready.training"], "a batch is made by a function"),
        (["models:healthy", "--batch", "models:raising"], "models:raising() failed"),
        (["models:healthy", "--select", "symetric-units"], "try: symmetric-units"),
        (["models:healthy", "--baseline", "missing.json"], "the baseline cannot be read"),
        (["models:healthy", "--baseline", "models.py"], "the baseline cannot be read"),
        (["models:healthy", "--format", "html", "--output", "r.txt"], ".html"),
        (["models:healthy", "--output", "nowhere/r.json"], "folder must exist"),
        (["models:healthy", "--output", "r.json", "--write-baseline", "./r.json"], "file of its own"),
        (["models:healthy", "--classes", "1"], "classes"),
        (["models:healthy", "--input", "2,6", "--classes", "3"], "classes are those of targets"),
        (["models:healthy", "--batch", "models:make_batch", "--loss", "cross-entropy", "--classes", "3"], "its own"),
        (["models:healthy", "--input", "2,6", "--only", "hedd.*"], "'hedd.*', which no parameter matches"),
        (["models:healthy", "--input", "2,6", "--only", ""], "which no parameter matches"),
        (["models:healthy", "--select", ""], "a check needs a rule"),
        (["models:healthy", "--select", "plateau", "--ignore", "plateau"], "a check needs a rule"),
        (["models:healthy", "--seed", "9" * 30], "--seed"),
        (["models:healthy", "--batch", "builtins:dict"], "a tensor"),
        (["models:nothing"], "a builder returns a model\n  got: NoneType"),
        (["models:healthy", "--batch", "models:nothing"], "returned None"),
        (["missing.safetensors.index.json"], "no such file"),
        (["models:healthy", "--format", "xml"], "xml"),
    ],
)
def test_what_cannot_be_run_is_one_message_and_exit_code_2(arguments, words, capsys):
    code, out, err = checked(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert "symbreak/" not in err.replace("symbreak/check", "")


def test_a_fault_of_our_own_is_not_told_as_the_users(monkeypatch, capsys):
    from symbreak.diagnosis import checking

    monkeypatch.setattr(checking, "_outcome", None)
    with pytest.raises(TypeError, match="not callable"):
        run(["check", "models:healthy", *CLASSES])


def test_rules_lists_them_all(capsys):
    assert run(["rules"]) == 0
    out, _ = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["rule", *(rule.slug for rule in RULES)]
    assert run(["rules", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [(each["rule"], each["needs"]) for each in data["rules"]] == [(rule.slug, rule.needs) for rule in RULES]


@pytest.mark.parametrize("slug", [rule.slug for rule in RULES])
def test_explain_shows_the_page(slug, capsys):
    assert run(["explain", slug]) == 0
    assert capsys.readouterr().out == next(rule.page for rule in RULES if rule.slug == slug)


def test_explain_on_a_terminal_is_set(capsys):
    from symbreak.report.rules_terminal import print_page

    print_page(RULES[0].page)
    out = capsys.readouterr().out
    assert "How it is decided" in out
    assert "```" not in out


def test_an_unknown_slug_gets_the_nearest(capsys):
    assert run(["explain", "dead-unit"]) == 2
    assert "try: dead-units" in capsys.readouterr().err
