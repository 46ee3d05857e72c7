"""The public description of a model's wiring, held to models whose wiring is known by construction."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from torch.nn import functional

import symbreak
from symbreak.errors import InvalidInput
from symbreak.torch.description import describe


def test_it_is_public_by_two_names():
    assert symbreak.describe is symbreak.torch.describe is describe


def test_fans_count_groups_transposition_and_stride():
    net = nn.Sequential(
        nn.Conv2d(4, 8, 3, groups=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, groups=8, padding=1), nn.SiLU(), nn.ConvTranspose2d(8, 4, 4, stride=2, groups=2),
    )  # fmt: skip
    wiring = describe(net, torch.randn(2, 4, 8, 8))
    grouped, depthwise, up = (wiring[f"{place}.weight"] for place in (0, 3, 5))
    assert (grouped.fan_in, grouped.fan_out, grouped.groups) == (2 * 9, 4 * 9, 2)
    assert (depthwise.fan_in, depthwise.fan_out, depthwise.groups) == (9, 9, 8)
    assert (up.fan_in, up.fan_out, up.transposed) == (4 * 16 // 4, 2 * 16, True)
    assert (grouped.reads, grouped.normed, grouped.follower) == (("input",), True, "")
    assert (depthwise.reads, depthwise.follower, up.reads) == (("relu",), "silu", ("silu",))
    assert wiring["1.weight"].kind == "norm gain"


class Stored(nn.Module):
    """A weight stored as (in, out), and one that is used for the lookup and for the output without a second name."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.turned = nn.Parameter(torch.randn(6, 6) * 0.4)

    def forward(self, tokens):
        return functional.linear(torch.tanh(self.table(tokens) @ self.turned), self.table.weight)


def test_layouts_and_ties_are_seen_in_the_use_and_not_in_the_class():
    wiring = describe(Stored(), torch.randint(11, (2, 5)))
    table, turned = wiring["table.weight"], wiring["turned"]
    assert (table.kind, table.tied_output, table.uses) == ("embedding", True, 2)
    assert (turned.kind, turned.fan_in, turned.fan_out, turned.follower) == ("weight", 6, 6, "tanh")


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"vocab_size": 50, "n_positions": 8, "n_embd": 8, "n_layer": 2, "n_head": 2}
    return GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0))


def test_a_transformer_s_fused_blocks_branches_ties_and_head():
    tokens = torch.randint(50, (2, 8))
    wiring = describe(gpt2(), {"input_ids": tokens, "labels": tokens})
    fused, closing = wiring["transformer.h.1.attn.c_attn.weight"], wiring["transformer.h.1.mlp.c_proj.weight"]
    assert (fused.parts, fused.attended, fused.fan_in, fused.fan_out) == (3, ("query", "key", "value"), 8, 24)
    assert (fused.branch, fused.branch_place, fused.branches, fused.closes) == ("self-attention", 3, 4, False)
    assert (closing.branch, closing.branch_place, closing.closes) == ("feed-forward", 4, True)
    assert wiring["lm_head.weight"] is wiring["transformer.wte.weight"]
    assert wiring["lm_head.weight"].tied_output
    assert not wiring["transformer.wpe.weight"].tied_output


def test_a_router_s_softmax_makes_no_attention():
    from transformers import MixtralConfig, MixtralForCausalLM

    sizes = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "num_local_experts": 4}
    tokens = torch.randint(50, (2, 8))
    model = MixtralForCausalLM(MixtralConfig(**sizes, **heads))
    wiring = describe(model, {"input_ids": tokens, "labels": tokens})
    experts = wiring["model.layers.0.mlp.experts.down_proj"]
    assert (experts.branch, experts.closes, experts.parts) == ("feed-forward", True, 4)
    assert wiring["model.layers.0.self_attn.o_proj.weight"].branch == "self-attention"


def test_wrappers_are_left_out_of_names_and_frozen_parts_are_told():
    net = nn.DataParallel(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))
    net.module[0].weight.requires_grad_(False)
    wiring = describe(net, torch.randn(5, 3))
    assert [part.name for part in wiring] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert not wiring["module.0.weight"].trainable
    assert "frozen" in str(wiring)
    assert wiring["2.weight"].head


def test_it_goes_to_json_and_says_whether_a_batch_was_seen():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    seen, unseen = describe(net, torch.randn(5, 3)), describe(net)
    assert (seen.observed, unseen.observed) == (True, False)
    data = json.loads(json.dumps(seen.to_json()))
    assert data["schema"] == "symbreak/description/1"
    assert data["parts"][2]["reads"] == ["relu"]
    assert unseen["2.weight"].fan_in == 4


def test_nothing_changes():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    random = torch.get_rng_state()
    describe(net, torch.randn(5, 3, generator=torch.Generator().manual_seed(0)))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert not net.training
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize(
    ("model", "x", "said"),
    [(3, None, "int"), (nn.ReLU(), None, "without parameters"), (nn.Linear(3, 2), torch.ones(2, 4), "multiplied")],
)
def test_what_cannot_be_described_is_refused_in_one_sentence(model, x, said):
    with pytest.raises(InvalidInput, match=said):
        describe(model, x)
