"""Signs in answers that a model never writes as text."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.listed_names import counted
from slimtune.training.tasks.text_to_text import TextToText


def answer_notes(examples: Sequence[Example], task: object, tokenizer: Any) -> list[str]:
    """A note for special tokens that are written out in answers, such as `</s>` at their end.

    Args:
        examples: The rows.
        task: Of the trial; others than those with answers have none.
        tokenizer: The model's.
    """
    if not isinstance(task, TextToText):
        return []
    special = sorted({*tokenizer.all_special_tokens} - {tokenizer.unk_token})
    found = Counter(token for example in examples for token in special if token in example.label)
    if not found:
        return []
    shown = ", ".join(f"'{token}' in {count:,}" for token, count in found.most_common())
    return [
        f"answers with special tokens of the model in them ({shown} of {counted(len(examples), 'row')}): what it "
        "writes ends at its end and has none of them, so that it cannot be equal to these; remove them, the end is "
        "added by itself"
    ]
