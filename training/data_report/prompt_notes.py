"""Prompts that a model reads whole in training, and cut where it writes."""

from collections.abc import Mapping, Sequence
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.tasks.causal_generation import Causal, prompt_ids

# of a split: to tokenize a prompt takes a tenth of a millisecond
MOST_ROWS = 2000


def prompt_notes(named: Mapping[str, Sequence[Example]], task: object, tokenizer: Any) -> list[str]:
    """A note for held-out prompts that leave no room for an answer of `task.max_new_tokens` in a table of positions.

    Args:
        named: The rows by split.
        task: Of the trial; others than causal ones have none.
        tokenizer: The model's.
    """
    if not isinstance(task, Causal) or task.max_positions is None or task.max_prompt_tokens >= task.max_length - 1:
        return []
    rows = [example for name, examples in named.items() if name != "train" for example in examples[:MOST_ROWS]]
    lengths = [len(ids) for ids in prompt_ids(rows, tokenizer)]
    num_cut = sum(length > task.max_prompt_tokens for length in lengths)
    if not num_cut:
        return []
    most_new, left = task.config.max_new_tokens, task.max_prompt_tokens
    room = task.max_positions - max(lengths)
    repair = f"; task.max_new_tokens={room} leaves room for all of them" if room > 0 else ""
    return [
        f"held-out prompts that are cut where the model writes: {num_cut:,} of {len(lengths):,}; of its "
        f"{task.max_positions:,} positions, task.max_new_tokens={most_new} leaves {left:,} to a prompt, and training "
        f"reads them up to data.max_length={task.max_length}{repair}"
    ]
