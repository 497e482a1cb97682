"""A causal model that answers a prompt."""

# B rows, T tokens, K kept positions, V vocabulary

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM

from slimtune.training.broken_files import text_of_error
from slimtune.training.data.batching import IGNORED, Batch, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.examples import Example
from slimtune.training.data.template_limit import TEMPLATE_FAULTS, limited_template
from slimtune.training.data.tokenizing.batches import UNCUT
from slimtune.training.errors import DataError
from slimtune.training.methods.modules import unwrapped
from slimtune.training.tasks.text_to_text import TextToText
from slimtune.training.tasks.token_loss import ModelCall, called, num_virtual_tokens, weights_of

# an answer in whose place a template's end of a turn is looked for
STAND_IN = "slimtune0stand0in"


class Causal(TextToText):
    """Prompt and answer are one row; the loss is on the answer and its end-of-sequence token."""

    auto_class = AutoModelForCausalLM
    peft_task_type = "CAUSAL_LM"
    export_kind = "causal"

    def settings(self) -> Mapping[str, Any]:
        """As the protocol says."""
        return {
            "encoding": "answer with its end",
            "max_length": self.max_length,
            "train_on_prompt": self.config.train_on_prompt,
        }

    def encode(self, examples: Sequence[Example], tokenizer: Any) -> Encoded:
        """Prompt and answer are tokenized apart, as generation will meet them.

        A row that is too long loses the beginning of its prompt first, down to half of the length, and only then the
        end of its answer.
        """
        ids, labels, uncut, num_cut = [], [], [], 0
        answers = answer_ids(examples, tokenizer)
        for prompt, answer in zip(prompt_ids(examples, tokenizer), answers, strict=True):
            row = fitted(prompt, answer, self.max_length)
            num_cut += len(row[0]) + len(row[1]) < len(prompt) + len(answer)
            ids.append([*row[0], *row[1]])
            uncut.append([len(prompt) + len(answer)])
            labels.append([*(row[0] if self.config.train_on_prompt else [IGNORED] * len(row[0])), *row[1]])
        columns = {"input_ids": ids, "labels": labels, UNCUT: uncut}
        return Encoded({name: Ragged.of(rows) for name, rows in columns.items()}, num_cut)

    def targets_of(self, encoded: Encoded) -> Targets:
        """As the base says."""
        return Targets(None, weights_of(encoded, next_token=True), next_token=True)

    def logits(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Scores of the next token at the kept positions (B, K, V)."""
        return next_token_logits(model, batch)

    def call(self, model: nn.Module, batch: Batch) -> ModelCall:
        """As the base says."""
        return next_token_call(model, batch)

    @property
    def max_prompt_tokens(self) -> int:
        """What `max_length` and the model's positions leave of a row beside the answer, at least one token."""
        longest = self.max_length - 1
        if self.max_positions is not None:
            longest = max(1, min(longest, self.max_positions - self.config.max_new_tokens))
        return longest

    def prompts(self, examples: Sequence[Example], tokenizer: Any) -> list[list[int]]:
        """As the base says; the end of a prompt that leaves no room for the answer is kept."""
        longest = self.max_prompt_tokens
        return [ids[-longest:] for ids in prompt_ids(examples, tokenizer)]


def next_token_logits(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Scores at the kept positions alone (B, K, V): those of a prompt would fill the memory for nothing."""
    return called(model, next_token_call(model, batch))


def next_token_call(model: nn.Module, batch: Batch) -> ModelCall:
    """How a model is asked for the next token at the kept positions."""
    assert batch.kept_K is not None
    kept = batch.kept_K.to(batch.labels.device) + num_virtual_tokens(model)
    if takes_kept(model):
        return ModelCall({**batch.inputs, "logits_to_keep": kept})
    return ModelCall(batch.inputs, kept)


def takes_kept(model: Any) -> bool:
    """Whether the model can leave out the logits that nobody reads."""
    return "logits_to_keep" in inspect.signature(unwrapped(model).forward).parameters


def prompt_ids(examples: Sequence[Example], tokenizer: Any) -> list[list[int]]:
    """Token ids of the prompts, with what the tokenizer puts before a text, but no end-of-sequence token."""
    num_ends = num_end_tokens(tokenizer)
    rows = []
    for example in examples:
        if example.messages:
            text = _chat(example.messages[:-1], tokenizer, add_generation_prompt=True)
            rows.append(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
            continue
        ids = tokenizer(example.text, verbose=False)["input_ids"]
        # a model continues something
        rows.append(ids[: len(ids) - num_ends] or tokenizer("\n", add_special_tokens=False)["input_ids"])
    return rows


def num_end_tokens(tokenizer: Any) -> int:
    """How many tokens the tokenizer puts behind a text by itself."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    return int(tokenizer("a")["input_ids"][::-1].index(plain[-1]))


def answer_ids(examples: Sequence[Example], tokenizer: Any) -> list[list[int]]:
    """Token ids of the answers, each with an end-of-sequence token."""
    texts = [_last_turn(example.messages, tokenizer) if example.messages else example.label for example in examples]
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    end = tokenizer.eos_token_id
    # a chat's template may write the end itself
    return [
        ids if example.messages and end in ids else [*ids, end] for ids, example in zip(rows, examples, strict=True)
    ]


def _last_turn(messages: Sequence[tuple[str, str]], tokenizer: Any) -> str:
    """The answer as the template writes it, with the end of the turn."""
    prompt, whole = _chat(messages[:-1], tokenizer, add_generation_prompt=True), _chat(messages, tokenizer)
    role, answer = messages[-1]
    if whole.startswith(prompt):
        turn = whole[len(prompt) :]
    else:
        # the prompt opens what a whole chat does not repeat, e.g. <think>
        turn = answer + _chat([*messages[:-1], (role, STAND_IN)], tokenizer).rpartition(STAND_IN)[2]
    if not all(_without_blanks(answer) in _without_blanks(text) for text in (turn, whole)):
        raise DataError(
            f"the tokenizer's chat template leaves out or changes the answer {answer!r:.60}, so that it cannot be "
            "learned; use a template that writes the last turn's content as it is (chat_template.jinja), or "
            "data.text_template"
        )
    return turn


def lost_turns(messages: Sequence[tuple[str, str]], tokenizer: Any) -> list[str]:
    """Roles of turns before the answer whose text is not in the prompt that the template writes of them."""
    prompt = _without_blanks(_chat(messages[:-1], tokenizer, add_generation_prompt=True))
    return [role for role, content in messages[:-1] if _without_blanks(content) not in prompt]


def _without_blanks(text: str) -> str:
    """Blanks are the template's own."""
    return "".join(text.split())


def _chat(messages: Sequence[tuple[str, str]], tokenizer: Any, **options: Any) -> str:
    turns = [{"role": role, "content": content} for role, content in messages]
    try:
        with limited_template():
            text: str = tokenizer.apply_chat_template(turns, tokenize=False, **options)
    except TEMPLATE_FAULTS as error:
        reason = text_of_error(error) or type(error).__name__
        if getattr(tokenizer, "chat_template", None) is None:
            reason = "it has none"
        raise DataError(
            f"a chat of {', '.join(role for role, _ in messages)} cannot be written by the tokenizer's template "
            f"({reason}); use a model with a chat template, an encoder-decoder, which needs none (model=tiny_t5), or "
            "data.text_template, e.g. '{messages.0.content}\\n{messages.1.content}'"
        ) from None
    return text


def fitted(prompt: list[int], answer: list[int], max_length: int) -> tuple[list[int], list[int]]:
    """As much of both as fits, of either at least half of the length if it has so much."""
    room = max(max_length - len(answer), max_length // 2)
    kept_prompt = prompt[-room:] if len(prompt) > room else prompt
    return kept_prompt, answer[: max_length - len(kept_prompt)]
