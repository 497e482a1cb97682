"""What a generative model is given: rows to prompts to token ids, without PyTorch or transformers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slimtune.export.bundle.bundle import TrainedColumns
from slimtune.export.bundle.interface import Interface, PromptSettings
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.given_rows import BY_COMMAND, AskedBy, pair_names, text_names
from slimtune.export.runtime.tokenizer_file import open_tokenizer
from slimtune.training.data.cells import cell_of, encodable, is_missing, python_value, structure, text_of
from slimtune.training.data.chat_turns import ends_with_answer, turns_in
from slimtune.training.data.examples import MESSAGES
from slimtune.training.data.prompt_template import FIELD, filled
from slimtune.training.data.prompted_rows import as_plain_text, has_chat
from slimtune.training.data.readers.row import MODEL_TEMPLATE_KEY
from slimtune.training.errors import DataError


def text_columns(interface: Interface, trained: TrainedColumns) -> list[list[str]]:
    """Columns of texts that a model's rows need: of each the names that it may have, that of training first."""
    if (prompt := interface.prompt) is not None:
        names = [prompt.text_column] if prompt.template is None else sorted(set(FIELD.findall(prompt.template)))
        return [[name] for name in names]
    texts, pairs = text_names(None, trained.text), pair_names(None, trained.text_pair)
    return [texts, pairs] if interface.takes_pairs or interface.kind is Kind.embedding else [texts]


def takes_chats(interface: Interface) -> bool:
    """Whether the training rows were chats: special tokens are noted for these alone."""
    return interface.prompt is not None and _of_chats(interface.prompt)


def _of_chats(prompt: PromptSettings) -> bool:
    return prompt.chat_template is not None or bool(prompt.special_tokens)


def _messages(row: Mapping[str, Any]) -> Any:
    """A row's chat, also one that is written as text."""
    value = row[MESSAGES]
    return structure(value) if isinstance(value, str) else python_value(value)


class Prompter:
    """Makes prompts as in training, for whoever asks."""

    def __init__(self, tokenizer: Path, prompt_settings: PromptSettings, asked_by: AskedBy = BY_COMMAND) -> None:
        self._asked_by = asked_by
        self._prompting = prompt_settings
        self._tokenizer = open_tokenizer(tokenizer)
        self._tokenizer.no_padding()
        if prompt_settings.is_causal:
            self._tokenizer.no_truncation()
        else:
            side = prompt_settings.truncation_side
            self._tokenizer.enable_truncation(prompt_settings.max_tokens, direction=side)

    def row_of_text(self, text: str) -> dict[str, Any]:
        """A row for one text: of the template's only column, of a chat's only turn, or of the prompt's column.

        Raises:
            DataError: The template has several columns.
        """
        given = self._prompting
        if given.template is not None:
            columns = sorted(set(FIELD.findall(given.template)))
            if len(columns) > 1:
                raise DataError(
                    f"the model's prompt has the columns {', '.join(columns)}; give rows of them "
                    f"({self._asked_by.rows})"
                )
            return dict.fromkeys(columns, text)
        if _of_chats(given):
            return {MESSAGES: [{"role": "user", "content": text}]}
        return {given.text_column: text}

    def reads(self, row: Mapping[str, Any], where: str) -> bool:
        """Whether a row has something to go on from: a chat with a turn, or a text that is not blank.

        Raises:
            DataError: A column is missing, or a chat cannot be written.
        """
        given = self._prompting
        if given.template is not None:
            return bool(filled(given.template, row, where, key=MODEL_TEMPLATE_KEY).strip())
        if self._is_chat(row):
            return not is_missing(row[MESSAGES]) and _messages(row) != [] and bool(self._chat(_messages(row), where))
        return bool(text_of(row, given.text_column, where, self._asked_by.text_key))

    def remarks(self, row: Mapping[str, Any], where: str) -> Iterator[str]:
        """What of a row is blank, or is not written as the model's prompts are, and is answered all the same."""
        given = self._prompting
        if given.template is not None:
            for name in dict.fromkeys(FIELD.findall(given.template)):
                if is_missing(cell_of(row, name)):
                    yield f"rows with a blank field {{{name}}} of data.text_template, which are answered without it"
        elif self._is_chat(row):
            turns = turns_in(_messages(row), where)
            if any(not turn.content.strip() for turn in turns):
                yield "rows with turns of 'messages' without text, which are written as they are"
            if ends_with_answer(turns):
                yield "chats that end with a turn of the assistant, which the model is not given: it answers anew"
        elif _of_chats(given):
            without = "a role before them" if given.chat_template is None else "the model's chat template"
            yield f"rows without 'messages', whose prompts are written without {without}"

    def of_row(self, row: Mapping[str, Any], where: str) -> list[int]:
        """Token ids of a row's prompt; of a chat, an answer that stands there is left out.

        Raises:
            DataError: A column is missing, or a chat cannot be written.
        """
        given = self._prompting
        if given.template is not None:
            return self._plain(encodable(filled(given.template, row, where, key=MODEL_TEMPLATE_KEY)))
        if self._is_chat(row):
            return self._chat(_messages(row), where)
        return self._plain(text_of(row, given.text_column, where, self._asked_by.text_key))

    def _is_chat(self, row: Mapping[str, Any]) -> bool:
        given = self._prompting
        return has_chat(row, given.text_column) and (given.chat_template is not None or not given.is_causal)

    def decoded(self, ids: Sequence[int]) -> str:
        """Text of an answer's tokens."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def _plain(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        if not self._prompting.is_causal:
            return ids
        ids = ids[: len(ids) - self._prompting.num_end_tokens]
        # a model continues something
        ids = ids or self._tokenizer.encode("\n", add_special_tokens=False).ids
        return ids[-self._prompting.max_tokens :]

    def _chat(self, messages: Any, where: str) -> list[int]:
        from slimtune.export.bundle.chat import chat_text, turns_of

        given, turns = self._prompting, turns_of(messages, where)
        if given.chat_template is None:
            # as an encoder-decoder read it
            return self._plain(as_plain_text([(turn["role"], turn["content"]) for turn in turns]))
        text = chat_text(turns, given.chat_template, given.special_tokens, where)
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids[-given.max_tokens :]
