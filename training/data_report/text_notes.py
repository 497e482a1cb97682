"""What was made of texts: blank ones, blank fields of a template, signs that a wrong decoding leaves."""

from collections import Counter
from collections.abc import Iterator, Sequence

from slimtune.training.config.task import CustomTask
from slimtune.training.config.template import fields_of
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.cells import cell_of, is_missing
from slimtune.training.data.chat_turns import beside_messages, beside_notes
from slimtune.training.data.examples import Example
from slimtune.training.data.readers.odd_signs import OddSigns
from slimtune.training.data.tagged_rows import WORDS
from slimtune.training.data_report.list_notes import list_notes
from slimtune.training.data_report.unread_columns import columns_of, idle_text_column, unread_columns, unread_notes

SHOWN = 4


def row_notes(examples: Sequence[Example], config: TrialConfig) -> list[str]:
    """What was made of the texts and lists of rows, whatever they are for."""
    data = config.data
    template = data.text_template
    texts = text_notes(examples, text_column=data.text_column, pair_column=data.text_pair_column, template=template)
    several = getattr(config.task, "multi_label", False)
    lists = list_notes(examples, data.label_column) if several else []
    read = columns_of(config)
    # a task of the user's own may read any
    others = [] if isinstance(config.task, CustomTask) else unread_columns(examples, read, config.task.metrics)
    return [*texts, *lists, *idle_text_column(config), *unread_notes(examples, read), *others]


def text_notes(
    examples: Sequence[Example], *, text_column: str, pair_column: str | None = None, template: str | None = None
) -> list[str]:
    """What a person should know of the texts of these rows.

    Args:
        examples: The rows.
        text_column: That of the text, or of a list of its words.
        pair_column: That of the second text, where the model takes pairs.
        template: What prompts are written by, if anything.
    """
    columns = [
        *_pair_notes(examples, pair_column),
        *_field_notes(examples, template),
        *_word_notes(examples, text_column),
    ]
    return [*columns, *_chat_notes(examples), *odd_notes(examples)]


def odd_notes(examples: Sequence[Example]) -> list[str]:
    """Signs in texts, second texts, targets and labels that show a wrong decoding."""
    signs = OddSigns()
    for example in examples:
        signs.see(example.text, example.pair, example.label)
    return signs.notes()


def _pair_notes(examples: Sequence[Example], column: str | None) -> Iterator[str]:
    blank = sum(not example.pair for example in examples) if column else 0
    if blank:
        what = f"rows with a blank second text (column '{column}'), which are kept"
        yield f"{what}: {blank:,} of {len(examples):,}"


def _word_notes(examples: Sequence[Example], column: str) -> Iterator[str]:
    """Words that are nothing, in lists of words."""
    lists = (example.row.get(column, example.row.get(WORDS)) for example in examples if not example.pair)
    blank = [count for one in lists if isinstance(one, list) and (count := sum(map(is_missing, one)))]
    if blank:
        yield f"blank words in lists of words, which leave blanks in the text: {sum(blank):,} (rows: {len(blank):,})"


def _field_notes(examples: Sequence[Example], template: str | None) -> Iterator[str]:
    """Fields of a template that are filled with nothing."""
    blank = {name: _num_blank(examples, name) for name in dict.fromkeys(fields_of(template or ""))}
    shown = [f"{name} {count:,}" for name, count in blank.items() if count]
    if shown:
        yield f"rows with blank fields of data.text_template, of {len(examples):,}: {', '.join(shown)}"


def _num_blank(examples: Sequence[Example], column: str) -> int:
    return sum(is_missing(cell_of(example.row, column)) for example in examples)


def _chat_notes(examples: Sequence[Example]) -> Iterator[str]:
    """Turns without text, and what stands beside the messages."""
    chats = [example for example in examples if example.messages]
    if 0 < len(chats) < len(examples):
        plain = len(examples) - len(chats)
        yield f"rows without 'messages' among those with a chat: {plain:,}; their prompts are written without template"
    blank = Counter(role for one in chats for role, content in one.messages if not content.strip())
    if blank:
        shown = ", ".join(f"{role} {count:,}" for role, count in blank.most_common(SHOWN))
        yield f"turns of 'messages' without text, which are written as they are: {shown}"
    yield from beside_notes(Counter(name for example in chats for name in beside_messages(example.row)))
