"""Shapes that onnxruntime-genai builds, at a tiny size, and texts for them."""

from collections.abc import Mapping
from typing import Any

from tests.training.tasks.conftest import ANSWERS

TEXTS = [f"{row['text']} And then: {row['target']}, said {row['input']}." for row in ANSWERS]
SIZES: Mapping[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
LOCAL_AND_GLOBAL = {"num_hidden_layers": 2, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
# windows are shorter than the texts, so that a window that is lost shows
FAMILIES: Mapping[str, Mapping[str, Any]] = {
    "llama": {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
    "phi3": {"original_max_position_embeddings": 128, "sliding_window": 8},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"head_dim": 16},
    "gemma": {"head_dim": 16, "num_key_value_heads": 1},
    "gemma3_text": {"head_dim": 16, "query_pre_attn_scalar": 16, **LOCAL_AND_GLOBAL},
    "mistral": {"head_dim": 16, "sliding_window": 8},
}
