"""Models of which a row's score would depend on the rows beside it are refused."""

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from slimtune.training.errors import ModelError
from slimtune.training.models.row_independence import check_alone

SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}


def model(family: str, **settings: Any) -> Any:
    with torch.device("meta"):
        return AutoModelForSequenceClassification.from_config(AutoConfig.for_model(family, **SIZES, **settings))


def test_one_that_cannot_be_told_of_padding() -> None:
    with pytest.raises(ModelError, match="a fnet cannot be told what of a row is padding"):
        check_alone(model("fnet"), max_length=8, said="model.name_or_path is 'x'")


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_positions_that_are_scaled_by_the_longest_row(kind: str) -> None:
    """Up to the length that they began with they are as they were."""
    more = {"short_factor": [1.0, 1.0], "long_factor": [2.0, 2.0]} if kind == "longrope" else {"factor": 2.0}
    rope = {"rope_type": kind, "rope_theta": 10000.0, "original_max_position_embeddings": 16, **more}
    family = "phi3" if kind == "longrope" else "llama"
    own = {"original_max_position_embeddings": 16, "max_position_embeddings": 64} if kind == "longrope" else {}
    made = model(family, rope_parameters=rope, num_key_value_heads=2, pad_token_id=0, **own)
    check_alone(made, max_length=16, said="model")
    with pytest.raises(ModelError, match=rf"above 16 tokens its positions \({kind}\) .* set data.max_length=16"):
        check_alone(made, max_length=17, said="model")


@pytest.mark.parametrize("family", ["bert", "convbert", "llama", "deberta-v2"])
def test_others_pass(family: str) -> None:
    check_alone(model(family), max_length=512, said="model")
