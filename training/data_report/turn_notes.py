"""Turns of chats that a model's template leaves out, so that the model never sees them, and what it adds by the day."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.tasks.causal_generation import Causal, lost_turns

# rendering a chat takes a millisecond
MOST_ROWS = 2000
# what transformers gives templates for it
WRITES_DAY = "strftime_now"


def turn_notes(examples: Sequence[Example], task: object, tokenizer: Any) -> list[str]:
    """Notes for chats of which turns before the answer are lost, of the first rows with a chat, and for a day in them.

    Args:
        examples: The rows.
        task: Of the trial; others than causal ones have none.
        tokenizer: The model's.
    """
    if not isinstance(task, Causal):
        return []
    chats = [example for example in examples if example.messages][:MOST_ROWS]
    return [*_lost_notes(chats, tokenizer), *(_day_notes(tokenizer) if chats else [])]


def _day_notes(tokenizer: Any) -> list[str]:
    if WRITES_DAY not in str(getattr(tokenizer, "chat_template", None)):
        return []
    return [
        "the chat template may write the day on which it is asked, so that prompts of another day differ, in a sweep "
        "that is resumed too; for the same ones write a fixed day into chat_template.jinja"
    ]


def _lost_notes(chats: Sequence[Example], tokenizer: Any) -> list[str]:
    lost = [roles for example in chats if (roles := lost_turns(example.messages, tokenizer))]
    if not lost:
        return []
    counts = Counter(role for roles in lost for role in roles)
    shown = ", ".join(f"{count:,} of {role}" for role, count in counts.most_common())
    return [
        f"chats of which the model's template leaves out turns, or changes them: {len(lost):,} of {len(chats):,} "
        f"({shown}); the model never sees these: write what it shall know into the turns that are kept, or use a "
        "template that writes all of them (chat_template.jinja)"
    ]
