"""Names without what wrappers add."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

from symbreak.errors import InvalidInput
from symbreak.initializers.names import normal_name, normal_names


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("weight", "weight"),
        ("module.fc.weight", "fc.weight"),
        ("_orig_mod.module.a._fsdp_wrapped_module.b._checkpoint_wrapped_module.c", "a.b.c"),
        ("modules.0.submodule.weight", "modules.0.submodule.weight"),
        ("module", "module"),
        ("", ""),
    ],
)
def test_wrappers_leave_no_trace(name, normal):
    assert normal_name(name) == normal
    assert normal_name(normal) == normal


def test_the_names_of_real_wrappers():
    plain = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    names = list(dict(plain.named_parameters()))
    wrapped = nn.Sequential(checkpoint_wrapper(plain[0]), torch.compile(plain[1], backend="eager"))
    parallel = torch.compile(nn.DataParallel(wrapped), backend="eager")
    found = [name for name, _ in parallel.named_parameters()]
    assert found != names
    assert list(normal_names(found).values()) == names


def test_two_parameters_of_one_name_are_refused():
    with pytest.raises(InvalidInput, match=r"'a\.weight' and 'module\.a\.weight'"):
        normal_names(["a.weight", "b.weight", "module.a.weight"])
    assert normal_names(["a", "a"]) == {"a": "a"}
