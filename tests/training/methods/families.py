"""Tiny models of every family, made from config."""

from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
)

from slimtune.training.methods import Setting

# B rows, T tokens
VOCAB, PAD, START, END = 96, 0, 1, 2
SPECIAL = {"pad_token_id": PAD, "bos_token_id": START, "eos_token_id": END}
ENCODER = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
DECODER = {**ENCODER, **SPECIAL, "num_key_value_heads": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": DECODER,
    "phi3": DECODER,
    "qwen2": DECODER,
    "qwen3": {**DECODER, "head_dim": 8},
    "gemma": {**DECODER, "head_dim": 8},
    "mistral": DECODER,
    "gpt2": {"vocab_size": VOCAB, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, **SPECIAL},
    "bert": ENCODER,
    "roberta": {**ENCODER, **SPECIAL},
    "distilbert": {"vocab_size": VOCAB, "dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4},
    "deberta-v2": {**ENCODER, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 16},
    "modernbert": {**ENCODER, **SPECIAL, "cls_token_id": START, "sep_token_id": END},
    "t5": {"vocab_size": VOCAB, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, **SPECIAL},
    "bart": {
        "vocab_size": VOCAB,
        "d_model": 32,
        **{f"{side}_layers": 2 for side in ("encoder", "decoder")},
        **{f"{side}_ffn_dim": 48 for side in ("encoder", "decoder")},
        **{f"{side}_attention_heads": 4 for side in ("encoder", "decoder")},
        "max_position_embeddings": 64,
        **SPECIAL,
    },
}
DECODERS = ("llama", "phi3", "qwen2", "qwen3", "gemma", "mistral", "gpt2")
BOTH = ("t5", "bart")
CLASSES = {
    "SEQ_CLS": AutoModelForSequenceClassification,
    "TOKEN_CLS": AutoModelForTokenClassification,
    "CAUSAL_LM": AutoModelForCausalLM,
    "SEQ_2_SEQ_LM": AutoModelForSeq2SeqLM,
}


class Shape(NamedTuple):
    """A family with a head."""

    family: str
    task: str

    def __str__(self) -> str:
        return f"{self.family} {self.task}"


def _tasks(family: str) -> tuple[str, str]:
    if family in DECODERS:
        return "CAUSAL_LM", "SEQ_CLS"
    return ("SEQ_2_SEQ_LM", "SEQ_CLS") if family in BOTH else ("SEQ_CLS", "TOKEN_CLS")


SHAPES = [Shape(family, task) for family in FAMILIES for task in _tasks(family)]


def make_model(shape: Shape) -> PreTrainedModel:
    """The same weights each time."""
    config = AutoConfig.for_model(shape.family, **FAMILIES[shape.family])
    config.use_cache = False
    if shape.family == "t5":
        config.decoder_start_token_id = PAD
    if shape.task.endswith("CLS"):
        config.num_labels = 3
    torch.manual_seed(0)
    build: Any = CLASSES[shape.task].from_config
    model: PreTrainedModel = build(config, attn_implementation="eager")
    return model.eval()


def setting_of(shape: Shape, model: PreTrainedModel) -> Setting:
    """As if the checkpoint had lacked the head."""
    inner = f"{model.base_model_prefix}."
    writes = not shape.task.endswith("CLS")
    return Setting(shape.task, () if writes else [name for name, _ in model.named_parameters() if inner not in name])


def make_batch(shape: Shape) -> dict[str, torch.Tensor]:
    """Rows of two lengths, padded."""
    ids_BT = torch.randint(3, VOCAB, (4, 10), generator=torch.Generator().manual_seed(0))
    mask_BT = torch.ones_like(ids_BT)
    ids_BT[:, -1] = ids_BT[1, 5] = END
    ids_BT[1, 6:], mask_BT[1, 6:] = PAD, 0
    batch = {"input_ids": ids_BT, "attention_mask": mask_BT}
    return {**batch, "decoder_input_ids": ids_BT[:, :5]} if shape.task == "SEQ_2_SEQ_LM" else batch


def loss_of(model: Any, shape: Shape) -> torch.Tensor:
    """Some task that can be learned."""
    logits = model(**make_batch(shape)).logits.flatten(0, -2)
    return cross_entropy(logits, torch.arange(len(logits)) % 3)


def train(model: Any, shape: Shape, *, num_steps: int = 4) -> list[float]:
    """The loss of each step."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2)
    losses = []
    model.train()
    for _ in range(num_steps):
        optimizer.zero_grad()
        loss = loss_of(model, shape)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def logits_of(model: Any, shape: Shape) -> torch.Tensor:
    """In evaluation mode."""
    logits: torch.Tensor = model.eval()(**make_batch(shape)).logits
    return logits
