"""An encoder-decoder that reads a text and writes another."""

# B rows, T tokens of the source, U of the answer, V vocabulary

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForSeq2SeqLM

from slimtune.training.data.batching import IGNORED, Batch, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example
from slimtune.training.data.tokenizing.batches import UNCUT, both_uncut, tokenized
from slimtune.training.methods.modules import unwrapped
from slimtune.training.tasks.text_to_text import TextToText
from slimtune.training.tasks.token_loss import ModelCall, called, weights_of


class EncoderDecoder(TextToText):
    """The source is the encoder's row, the answer with its end-of-sequence token the decoder's."""

    auto_class = AutoModelForSeq2SeqLM
    peft_task_type = "SEQ_2_SEQ_LM"
    export_kind = "encoder_decoder"

    def settings(self) -> Mapping[str, Any]:
        """As the protocol says."""
        return {"encoding": "source and answer", "max_length": self.max_length}

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Sources and answers, either cut at its end if it is too long."""
        columns, _ = tokenized([one.text for one in examples], tokenizer, max_length=self.max_length)
        answers = tokenizer(text_target=[one.label for one in examples], verbose=False)["input_ids"]
        eos = tokenizer.eos_token_id
        whole = [ids if ids[-1:] == [eos] else [*ids, eos] for ids in answers]
        labels = [ids[: self.max_length] for ids in whole]
        uncut = both_uncut(columns[UNCUT], [[len(ids)] for ids in whole])
        rows = {**columns, "labels": labels, UNCUT: uncut}
        num_cut = sum(max(both) > self.max_length for both in uncut)
        return Encoded({name: Ragged.of(values) for name, values in rows.items()}, num_cut)

    def targets_of(self, encoded: Encoded) -> Targets:
        """As the base says."""
        return Targets(None, weights_of(encoded, next_token=False))

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Scores of the answer's tokens (B, U, V)."""
        return called(model, self.call(model, batch))

    def call(self, model: nn.Module, batch: Batch) -> ModelCall:
        """As the base says."""
        inner = unwrapped(model)
        if hasattr(inner, "prepare_decoder_input_ids_from_labels"):
            shifted = inner.prepare_decoder_input_ids_from_labels(labels=batch.labels)
        else:
            config = inner.config
            shifted = shifted_right(batch.labels, start_id=config.decoder_start_token_id, pad_id=config.pad_token_id)
        return ModelCall({**batch.inputs, "decoder_input_ids": shifted})

    def prompts(self, examples: Sequence[Example], tokenizer: Any) -> list[list[int]]:
        """The sources."""
        rows = tokenized([one.text for one in examples], tokenizer, max_length=self.max_length)[0]["input_ids"]
        return [row.tolist() for row in rows]


def shifted_right(labels_BU: torch.Tensor, *, start_id: int, pad_id: int) -> torch.Tensor:
    """What the decoder reads: each token's predecessor, and the model's start token first."""
    shifted_BU = labels_BU.roll(1, dims=1)
    shifted_BU[:, 0] = start_id
    return shifted_BU.masked_fill(shifted_BU == IGNORED, pad_id)
