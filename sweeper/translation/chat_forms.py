"""What becomes of the form in which theirs writes a chat."""

from collections.abc import Iterator, Mapping
from typing import Any

FORMS = ("template", "chat_template")
CHATS_ALONE = (
    "the tokenizer's own chat template writes chats, rows with a column 'messages', alone; a text of "
    "data.text_template has no turns"
)
WITHOUT = (
    "the model is trained without its chat form: rows are the plain text of data.text_template, and one that follows "
    "instructions in chats may answer worse for it. For chats write the rows with a column 'messages', a list of "
    '{"role": "user", "content": ...} and {"role": "assistant", "content": ...} (docs/data.md), and remove '
    "data.text_template and data.target_column"
)


def lost_forms(values: Mapping[str, Any], left: Mapping[str, str]) -> Iterator[str]:
    """The keys of theirs that name a chat form, where rows are plain texts here.

    Args:
        values: Of our keys.
        left: What is told of theirs.
    """
    if "data.text_template" in values:
        yield from (name for name in FORMS if name in left)
