"""A chat as its turns: one reading for training, evaluation, prediction and serving."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slimtune.training.data.cells import encodable, plain, structure
from slimtune.training.errors import DataError

TEXT = "text"


class Turn(NamedTuple):
    """What a template is given of a message."""

    role: str
    content: str


def turns_in(messages: Any, where: str) -> tuple[Turn, ...]:
    """Roles and texts of a list of messages, also of one that is written as text; whatever else is left out.

    The content of a message is a text, or a list of parts of texts, which are one text with nothing between them, as
    the templates of models that read images and texts write them.

    Raises:
        DataError: They are no chat, or something else than text stands in it.
    """
    messages = structure(messages) if isinstance(messages, str) else plain(messages)
    try:
        roles = [str(message["role"]) for message in messages]
        contents = [_content(message) for message in messages]
    except (TypeError, KeyError):
        raise DataError(f"{where}: 'messages' must be a list of objects with 'role' and 'content'") from None
    texts = [_text(content, f"{where}: message {number} of 'messages'") for number, content in enumerate(contents, 1)]
    return tuple(Turn(role, encodable(text)) for role, text in zip(roles, texts, strict=True))


class _ToolCall:
    """Stands for a message that calls tools and says nothing."""


def _content(message: Mapping[str, Any]) -> Any:
    """The content of a message.

    Raises:
        KeyError: It has none.
    """
    calls = plain(message.get("tool_calls"))
    if calls and message.get("content") is None:
        return _ToolCall()
    return plain(message["content"])


def _text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        return "".join(_text_of_part(plain(part), number, where) for number, part in enumerate(content, 1))
    if isinstance(content, _ToolCall):
        raise DataError(f"{where} is a tool call without a text; write the call as its 'content', or remove the row")
    if content is None:
        raise DataError(f"{where} has the 'content' null; write its text there, or remove the row")
    raise DataError(
        f"{where} has a 'content' of type {type(content).__name__}; use a text, or a list of parts such as "
        '{"type": "text", "text": "..."}'
    )


def _text_of_part(part: Any, number: int, where: str) -> str:
    is_object = isinstance(part, Mapping)
    if is_object and part.get("type") == TEXT and isinstance(part.get("text"), str):
        return str(part["text"])
    if is_object and part.get("type") == TEXT:
        raise DataError(f"{where}: part {number} of its 'content' has no 'text'; write it there, or remove the part")
    kind = f"of the type {part.get('type')!r}" if is_object else f"{part!r:.40}"
    raise DataError(
        f"{where}: part {number} of its 'content' is {kind}, and only text is read; remove the part or the row, or "
        'write it as {"type": "text", "text": "..."}'
    )
