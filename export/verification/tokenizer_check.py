"""Whether a bundle's tokenizer gives the tokens that the model was trained on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from slimtune.export.bundle.interface import PromptSettings
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.prompter import Prompter
from slimtune.export.runtime.tokenizer_file import open_tokenizer
from slimtune.export.verification.reference import ComparedRows
from slimtune.training.errors import ModelError
from slimtune.training.tasks.text_to_text import TextToText

# text, tokens of training, tokens of the bundle
TokenPair = tuple[str, Sequence[int], Sequence[int]]


def check_tokenizer(rows: ComparedRows, tokenizer: Path, prompt: PromptSettings | None) -> None:
    """Compare the tokens of all rows.

    Args:
        rows: As the model was trained on them.
        tokenizer: The bundle's `tokenizer.json`.
        prompt: How rows become prompts; None where the model is not generative.

    Raises:
        ModelError: A row has others.
    """
    for text, expected, found in _pairs(rows, tokenizer, prompt):
        if list(expected) != list(found):
            raise ModelError(
                f"{tokenizer} gives other tokens than the model's own tokenizer, for {text[:60]!r}: {list(found)[:8]} "
                f"instead of {list(expected)[:8]}; a bundle would not be what was trained"
            )


def _pairs(rows: ComparedRows, path: Path, prompt: PromptSettings | None) -> Iterator[TokenPair]:
    examples, columns = rows.split.examples, rows.split.encoded.columns
    if isinstance(rows.task, TextToText):
        assert prompt is not None
        prompter = Prompter(path, prompt)
        everything = range(len(examples))
        for example, expected in zip(examples, rows.prompts(everything), strict=True):
            yield example.text, expected, prompter.of_row(dict(example.row), "a row")
        return
    if rows.kind.writes:
        return
    tokenizer = open_tokenizer(path)
    tokenizer.no_padding()
    tokenizer.enable_truncation(rows.config.data.max_length, direction=rows.truncation_side)
    names = ("input_ids", "pair_input_ids") if rows.kind is Kind.embedding else ("input_ids",)
    # later windows of a long text follow from the first
    first = _first_windows(rows)
    for place, text in enumerate(rows.texts):
        number, side = divmod(place, len(names))
        shown = text if isinstance(text, str) else " | ".join(text)
        yield shown, columns[names[side]].row(first[number]).tolist(), tokenizer.encode_batch([text])[0].ids


def _first_windows(rows: ComparedRows) -> list[int]:
    if rows.kind is not Kind.tags:
        return list(range(len(rows.split.examples)))
    owners = rows.split.encoded.columns["example"]
    first: dict[int, int] = {}
    for window in range(len(rows.split)):
        first.setdefault(int(owners.row(window)[0]), window)
    return [first[example] for example in range(len(rows.split.examples))]
