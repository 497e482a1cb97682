"""What a generative model is given: rows to prompts to token ids, without PyTorch or transformers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from slimtune.export.bundle.interface import Interface, PromptSettings
from slimtune.export.graph_names import Kind
from slimtune.training.data.cells import encodable, is_missing, plain, text_of
from slimtune.training.data.examples import MESSAGES
from slimtune.training.data.prompt_template import FIELD, filled
from slimtune.training.errors import DataError


def text_columns(interface: Interface) -> list[str]:
    """Columns of texts that a model's rows need."""
    match interface.kind:
        case Kind.embedding:
            return ["text", "text_pair"]
        case Kind.labels | Kind.numbers if interface.takes_pairs:
            return ["text", "text_pair"]
        case Kind.labels | Kind.tags | Kind.numbers:
            return ["text"]
        case _:
            prompt = interface.prompt
            assert prompt is not None
            return [prompt.text_column] if prompt.template is None else sorted(set(FIELD.findall(prompt.template)))


class Prompter:
    """Makes prompts as in training."""

    def __init__(self, tokenizer: Path, prompt_settings: PromptSettings) -> None:
        self._prompting = prompt_settings
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        if prompt_settings.is_causal:
            self._tokenizer.no_truncation()
        else:
            self._tokenizer.enable_truncation(prompt_settings.max_tokens)

    def row_of_text(self, text: str) -> dict[str, Any]:
        """A row for one text: of the template's only column, of a chat's only turn, or of the prompt's column.

        Raises:
            DataError: The template has several columns.
        """
        given = self._prompting
        if given.template is not None:
            columns = sorted(set(FIELD.findall(given.template)))
            if len(columns) > 1:
                raise DataError(f"the model's prompt has the columns {', '.join(columns)}; give rows of them by --file")
            return dict.fromkeys(columns, text)
        if given.chat_template is not None:
            return {MESSAGES: [{"role": "user", "content": text}]}
        return {given.text_column: text}

    def reads(self, row: Mapping[str, Any], where: str) -> bool:
        """Whether a row has something to go on from: a chat with a turn, or a text that is not blank.

        Raises:
            DataError: A column is missing, or a chat cannot be written.
        """
        given = self._prompting
        if given.template is not None:
            return bool(filled(given.template, row, where).strip())
        if given.chat_template is not None and MESSAGES in row:
            return bool(turns_of(row[MESSAGES], where)) and bool(self._chat(row[MESSAGES], where))
        return bool(text_of(row, given.text_column, where, "--text-column"))

    def of_row(self, row: Mapping[str, Any], where: str) -> list[int]:
        """Token ids of a row's prompt; of a chat, an answer that stands there is left out.

        Raises:
            DataError: A column is missing, or a chat cannot be written.
        """
        given = self._prompting
        if given.template is not None:
            return self._plain(encodable(filled(given.template, row, where)))
        if given.chat_template is not None and MESSAGES in row:
            ids: list[int] = self._tokenizer.encode(self._chat(row[MESSAGES], where), add_special_tokens=False).ids
            return ids
        return self._plain(text_of(dict(row), given.text_column, where, "--text-column"))

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

    def _chat(self, messages: Any, where: str) -> str:
        from jinja2 import TemplateError
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        # as transformers renders it
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.globals["raise_exception"] = _refuse
        turns = turns_of(messages, where)
        if len(turns) > 1 and turns[-1].get("role") == "assistant":
            turns.pop()
        try:
            template = environment.from_string(str(self._prompting.chat_template))
            return template.render(messages=turns, add_generation_prompt=True, **self._prompting.special_tokens)
        except (TemplateError, TypeError, AttributeError) as error:
            raise DataError(f"{where}: the chat cannot be written by the model's template ({error})") from None


def turns_of(messages: Any, where: str) -> list[dict[str, Any]]:
    """The turns of a chat, none for null.

    Raises:
        DataError: It is no list of objects with a role and a text.
    """
    if is_missing(messages):
        return []
    try:
        turns = [dict(message) for message in plain(messages)]
        if all(isinstance(turn["role"], str) and isinstance(turn["content"], str) for turn in turns):
            return [{**turn, "content": encodable(turn["content"])} for turn in turns]
    except (TypeError, KeyError, ValueError):
        pass
    raise DataError(f"{where}: 'messages' must be a list of objects with a text as 'role' and as 'content'")


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)
