"""Chats as transformers writes them by a model's own template; without transformers."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from slimtune.training.data.chat_turns import ends_with_answer, turns_in
from slimtune.training.data.template_limit import TEMPLATE_FAULTS, limited_template
from slimtune.training.errors import DataError


class GenerationTag(Extension):
    """`{% generation %} ... {% endgeneration %}`, which marks what an assistant says, and changes nothing of it."""

    # jinja2 looks at the class
    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """As jinja2 asks: what stands between, as transformers has it, with variables of its own."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller: Any) -> str:
        return str(caller())


def chat_text(turns: Sequence[Mapping[str, str]], template: str, special_tokens: Mapping[str, str], where: str) -> str:
    """The turns as a prompt for the next one.

    Args:
        turns: Each with `role` and `content`.
        template: The model's, in Jinja.
        special_tokens: Names and texts of the tokens that it may ask for.
        where: What an error calls the chat.

    Raises:
        DataError: The template does not write such a chat.
    """
    try:
        with limited_template():
            text: str = _compiled(template).render(
                messages=[*turns], tools=None, documents=None, add_generation_prompt=True, **special_tokens
            )
    except TEMPLATE_FAULTS as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{where}: the chat cannot be written by the model's template ({reason})") from None
    return text


def turns_of(messages: Any, where: str) -> list[dict[str, str]]:
    """What a prompt is written of: roles and texts, without an answer that stands last; whatever else is left out.

    Raises:
        DataError: They are no chat.
    """
    turns = turns_in(messages, where)
    if not turns:
        raise DataError(f"{where}: 'messages' must be a list of objects with 'role' and 'content'")
    if ends_with_answer(turns):
        turns = turns[:-1]
    return [turn._asdict() for turn in turns]


@lru_cache
def _compiled(template: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
    return environment.from_string(template)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,  # templates give it by place too
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _now(form: str) -> str:
    return datetime.now().strftime(form)  # the user's day, as transformers has it


def _refuse(message: str) -> None:
    raise TemplateError(message)
