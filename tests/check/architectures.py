"""Architectures of the `transformers` library, tiny, from their configurations alone: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from check.cases import Task
from torch import nn

SMALL = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
IMAGE = {
    "image_size": 32,
    "patch_size": 8,
    "num_labels": 4,
    **{key: SMALL[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")},
}
Inputs = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Architecture:
    """One model of the library.

    Attributes:
        name: of the family.
        model: the class's name in `transformers`.
        config: the configuration's class name there.
        options: of the configuration.
        inputs: keyword arguments of a call, labels included.
    """

    name: str
    model: str
    config: str
    options: dict[str, Any]
    inputs: Inputs

    def build(self) -> Task:
        """Return the model in train mode and its inputs; the loss is the model's own."""
        import transformers

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network: nn.Module = getattr(transformers, self.model)(getattr(transformers, self.config)(**self.options))
            return Task(network.train(), self.inputs())


def ids(count: int = 4, length: int = 16) -> torch.Tensor:
    """Return tokens that are neither padding nor a beginning or end."""
    return torch.randint(3, 99, (count, length))


def causal() -> dict[str, Any]:
    """Tokens that are their own labels; the model shifts them."""
    tokens = ids()
    return {"input_ids": tokens, "labels": tokens}


def masked() -> dict[str, Any]:
    """Tokens of which one in five is to be guessed."""
    tokens = ids()
    labels = torch.where(torch.rand(tokens.shape) < 0.2, tokens, -100)
    labels[0, 0] = tokens[0, 0]
    return {"input_ids": tokens, "labels": labels}


def translated() -> dict[str, Any]:
    """Tokens and the tokens to be written."""
    return {"input_ids": ids(), "labels": ids(4, 10)}


def classified() -> dict[str, Any]:
    """Tokens with one of three labels each."""
    return {"input_ids": ids(6), "labels": torch.arange(6) % 3}


def pictures() -> dict[str, Any]:
    """Standard normal images with one of four labels each."""
    return {"pixel_values": torch.randn(4, 3, 32, 32), "labels": torch.arange(4)}


def larger_pictures() -> dict[str, Any]:
    """Images that leave more than one place at the end of five halvings."""
    return {"pixel_values": torch.randn(4, 3, 96, 96), "labels": torch.arange(4)}


def segmented() -> dict[str, Any]:
    """Images with one of four labels a pixel."""
    return {"pixel_values": torch.randn(2, 3, 64, 64), "labels": torch.randint(4, (2, 64, 64))}


def paired() -> dict[str, Any]:
    """Images and captions for a contrastive loss."""
    tokens = ids(4, 12)
    tokens[:, -1] = 2
    return {"input_ids": tokens, "pixel_values": torch.randn(4, 3, 32, 32), "return_loss": True}


def spoken() -> dict[str, Any]:
    """Half a second of sound and the letters in it."""
    return {"input_values": torch.randn(2, 8000), "labels": torch.randint(3, 20, (2, 5))}


def transcribed() -> dict[str, Any]:
    """A spectrogram and its text."""
    return {"input_features": torch.randn(2, 16, 60), "labels": ids(2, 8)}


def _text(name: str, inputs: Inputs, head: str = "ForCausalLM", **options: Any) -> Architecture:
    """An architecture whose classes are named after its family and take the common options."""
    return Architecture(name, f"{name}{head}", f"{name}Config", {**SMALL, **options}, inputs)


def _view(name: str, options: dict[str, Any], inputs: Inputs = pictures) -> Architecture:
    """An image classifier."""
    return Architecture(name, f"{name}ForImageClassification", f"{name}Config", options, inputs)


GROUPED = {"num_key_value_heads": 2}
HEADS = {**GROUPED, "head_dim": 8}
EXPERTS = {**HEADS, "num_experts": 4, "num_experts_per_tok": 2}
PLAIN = {key: SMALL[key] for key in ("vocab_size", "pad_token_id", "bos_token_id", "eos_token_id")}
GPT2 = {**PLAIN, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
TOWERS = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 64,
    "decoder_start_token_id": 1,
}
T5 = {**PLAIN, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
STAGES = {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4, "image_size": 32, "patch_size": 4}
CLIP_TEXT = {**SMALL, "projection_dim": 16}
CLIP_VISION = {**IMAGE, "projection_dim": 16}

GPT_NEO = {**SMALL, "num_layers": 2, "num_heads": 4, "attention_types": [[["global"], 2]]}
OPT = {**SMALL, "ffn_dim": 64, "word_embed_proj_dim": 32}
BLOOM = {**PLAIN, "hidden_size": 32, "n_layer": 2, "n_head": 4}
DISTIL = {**PLAIN, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
STAGED = {"hidden_sizes": [16, 32], "depths": [1, 1], "num_labels": 4}
SEGFORMER = {
    **STAGED,
    "num_encoder_blocks": 2,
    "num_attention_heads": [1, 2],
    "sr_ratios": [2, 1],
    "patch_sizes": [3, 3],
    "strides": [2, 2],
    "mlp_ratios": [2, 2],
    "decoder_hidden_size": 16,
}
CLIP = {"text_config": CLIP_TEXT, "vision_config": CLIP_VISION, "projection_dim": 16}
WHISPER = {**PLAIN, **TOWERS, "num_mel_bins": 16, "max_source_positions": 30, "max_target_positions": 32}
WAV2VEC2 = {
    **SMALL,
    "conv_dim": (16, 16),
    "conv_kernel": (10, 8),
    "conv_stride": (10, 8),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
}
MAMBA2 = {**SMALL, "num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 1, "chunk_size": 8}
XLNET = {"vocab_size": 99, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64}
CPMANT = {**SMALL, "dim_head": 8, "dim_ff": 64, "prompt_length": 4}
LONG = {"attention_window": 4, "max_encoder_position_embeddings": 64, "max_decoder_position_embeddings": 64}
PROPHET = {
    **{key: value for key, value in TOWERS.items() if not key.endswith(("_layers", "_heads", "d_model"))},
    **{f"num_{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")},
    "hidden_size": 32,
}
FOUR = {"hidden_sizes": [16, 16, 32, 32], "depths": [1, 1, 1, 1], "num_labels": 4}
PVT = {**FOUR, "num_attention_heads": [1, 1, 2, 2], "image_size": 96}
SWIFT = {"embed_dims": [16, 16, 32, 32], "depths": [1, 1, 1, 1], "num_labels": 4}
MOBILEVIT = {"hidden_sizes": [16, 16, 16], "neck_hidden_sizes": [8, 8, 16, 16, 16, 16, 32], "num_labels": 4}

ARCHITECTURES: tuple[Architecture, ...] = (
    Architecture("GPT2", "GPT2LMHeadModel", "GPT2Config", GPT2, causal),
    Architecture("GPTNeo", "GPTNeoForCausalLM", "GPTNeoConfig", GPT_NEO, causal),
    _text("GPTNeoX", causal),
    Architecture("GPTJ", "GPTJForCausalLM", "GPTJConfig", {**GPT2, "rotary_dim": 4}, causal),
    _text("Llama", causal, **GROUPED),
    _text("Mistral", causal, **GROUPED),
    _text("Mixtral", causal, **GROUPED, num_local_experts=4, num_experts_per_tok=2),
    _text("Gemma", causal, **GROUPED, head_dim=8),
    _text("Gemma2", causal, **GROUPED, head_dim=8),
    _text("Qwen2", causal, **GROUPED),
    _text("Qwen3", causal, **GROUPED, head_dim=8),
    _text("Phi", causal),
    _text("Starcoder2", causal, **GROUPED),
    _text("Olmo", causal),
    Architecture("OPT", "OPTForCausalLM", "OPTConfig", OPT, causal),
    Architecture("Bloom", "BloomForCausalLM", "BloomConfig", BLOOM, causal),
    Architecture("Falcon", "FalconForCausalLM", "FalconConfig", SMALL, causal),
    Architecture("Mamba", "MambaForCausalLM", "MambaConfig", {**SMALL, "state_size": 4}, causal),
    _text("Bert", masked, "ForMaskedLM"),
    _text("Roberta", masked, "ForMaskedLM"),
    Architecture("DistilBert", "DistilBertForMaskedLM", "DistilBertConfig", DISTIL, masked),
    _text("Electra", masked, "ForMaskedLM", embedding_size=16),
    _text("Albert", masked, "ForMaskedLM", embedding_size=16),
    _text("DebertaV2", classified, "ForSequenceClassification", num_labels=3),
    Architecture("T5", "T5ForConditionalGeneration", "T5Config", T5, translated),
    Architecture("Bart", "BartForConditionalGeneration", "BartConfig", {**PLAIN, **TOWERS}, translated),
    Architecture("Pegasus", "PegasusForConditionalGeneration", "PegasusConfig", {**PLAIN, **TOWERS}, translated),
    _view("ViT", IMAGE),
    _view("DeiT", IMAGE),
    _view("Dinov2", IMAGE),
    _view("Beit", IMAGE),
    _view("Swin", {**STAGES, "num_labels": 4}),
    _view("ConvNext", {**STAGED, "num_stages": 2}),
    _view("ResNet", {**STAGED, "embedding_size": 16, "layer_type": "basic"}),
    _view("RegNet", {**STAGED, "embedding_size": 16, "groups_width": 8}),
    Architecture("SegFormer", "SegformerForSemanticSegmentation", "SegformerConfig", SEGFORMER, segmented),
    Architecture("CLIP", "CLIPModel", "CLIPConfig", CLIP, paired),
    Architecture("SigLIP", "SiglipModel", "SiglipConfig", {"text_config": SMALL, "vision_config": IMAGE}, paired),
    Architecture("Whisper", "WhisperForConditionalGeneration", "WhisperConfig", WHISPER, transcribed),
    Architecture("Wav2Vec2", "Wav2Vec2ForCTC", "Wav2Vec2Config", WAV2VEC2, spoken),
    _text("Cohere", causal, **HEADS),
    Architecture("Gemma3", "Gemma3ForCausalLM", "Gemma3TextConfig", {**SMALL, **HEADS}, causal),
    _text("Granite", causal, **GROUPED),
    _text("Phi3", causal, **GROUPED),
    _text("StableLm", causal, **GROUPED),
    _text("Olmoe", causal, **EXPERTS),
    Architecture("Rwkv", "RwkvForCausalLM", "RwkvConfig", {**SMALL, "attention_hidden_size": 32}, causal),
    Architecture("Mamba2", "Mamba2ForCausalLM", "Mamba2Config", MAMBA2, causal),
    Architecture("XLNet", "XLNetLMHeadModel", "XLNetConfig", XLNET, causal),
    Architecture("CpmAnt", "CpmAntForCausalLM", "CpmAntConfig", CPMANT, causal),
    _text("ModernBert", masked, "ForMaskedLM"),
    _text("EuroBert", classified, "ForSequenceClassification", num_labels=3),
    _text("Deberta", classified, "ForSequenceClassification", num_labels=3),
    _text("FNet", masked, "ForMaskedLM"),
    _text("MobileBert", masked, "ForMaskedLM", embedding_size=16),
    _text("Longformer", classified, "ForSequenceClassification", attention_window=4, num_labels=3),
    Architecture("MT5", "MT5ForConditionalGeneration", "MT5Config", T5, translated),
    Architecture("MBart", "MBartForConditionalGeneration", "MBartConfig", {**PLAIN, **TOWERS}, translated),
    Architecture("LED", "LEDForConditionalGeneration", "LEDConfig", {**PLAIN, **TOWERS, **LONG}, translated),
    Architecture(
        "ProphetNet", "ProphetNetForConditionalGeneration", "ProphetNetConfig", {**PLAIN, **PROPHET}, translated
    ),
    _view("Swinv2", {**STAGES, "num_labels": 4}),
    _view("ConvNextV2", {**STAGED, "num_stages": 2}),
    _view("MobileNetV2", {"depth_multiplier": 0.35, "num_labels": 4}, larger_pictures),
    _view("PoolFormer", FOUR, larger_pictures),
    _view("PvtV2", PVT, larger_pictures),
    _view("SwiftFormer", SWIFT, larger_pictures),
    _view("MobileViT", MOBILEVIT, larger_pictures),
    Architecture("Hubert", "HubertForCTC", "HubertConfig", WAV2VEC2, spoken),
)

# Why a warning or error that `tools/architectures.py` prints is right: (architecture, rule) -> reason.
_UNSCALED = "its configuration starts all matrices from N(0, 1), whatever their fans (init_std = 1.0)"
JUSTIFIED: dict[tuple[str, str], str] = {
    **{
        ("CpmAnt", rule): _UNSCALED
        for rule in ("loss-at-init", "wrong-scale", "exploding-signal", "exploding-gradient", "saturated-units")
    },
    (
        "MT5",
        "loss-at-init",
    ): "the configuration ties the head to embeddings of N(0, 1), and does not rescale the head's "
    "input by 1 / sqrt(d_model), as T5 does",
    ("MT5", "wrong-scale"): "the same tied head",
    ("MobileViT", "vanishing-signal"): "the gains of its batch norms start from N(0, 0.02^2) instead of 1",
}
