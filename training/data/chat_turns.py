"""A chat as its turns: one reading for training, evaluation, prediction and serving."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from slimtune.training.data.cells import encodable, is_missing, python_value, structure
from slimtune.training.errors import DataError

TEXT = "text"
CHAT_RULE = "a list of objects with 'role' and 'content'"
# of a message, what a model says beside its text; null or empty is none
BESIDE_TEXT = (
    "tool_calls",
    "function_call",
    "reasoning_content",
    "reasoning",
    "thinking",
    "refusal",
    "audio",
)
# of a message, whether or how much it is learned, as OpenAI and other trainers write it; null is nothing said
LEARNED = ("weight", "train", "training", "loss")
IN_FULL = ("1", "1.0", "true")
# of a row, what transformers gives to a template beside the messages, and what other trainers make turns of
BESIDE_MESSAGES = ("tools", "functions", "documents", "chat_template_kwargs", "system", "system_prompt", "history")


class Turn(NamedTuple):
    """What a template is given of a message."""

    role: str
    content: str


def ends_with_answer(turns: Sequence[Turn]) -> bool:
    """Whether an answer stands last, as in rows to be learned."""
    return len(turns) > 1 and turns[-1].role == "assistant"


def turns_in(messages: Any, where: str) -> tuple[Turn, ...]:
    """Roles and texts of a list of messages, also of one that is written as text; ids and names are left out.

    The content of a message is a text, or a list of parts of texts, which are one text with nothing between them, as
    the templates of models that read images and texts write them.

    Raises:
        DataError: They are no chat, or something else than text stands in it, which would be lost.
    """
    return tuple(
        _turn(python_value(message), _called(number, where))
        for number, message in enumerate(_listed(messages, where), 1)
    )


def check_learned(messages: Any, where: str) -> None:
    """Whether the last message of a chat, which is the answer that is learned, is one to be learned, and in full.

    Raises:
        DataError: It says that it is not, or only in part.
    """
    turns = _listed(messages, where)
    answer = python_value(turns[-1])
    for key in LEARNED:
        value = python_value(answer.get(key))
        if not is_missing(value) and str(value).strip().lower() not in IN_FULL:
            raise DataError(
                f"{_called(len(turns), where)} has '{key}' {value!r:.40}, and the last message is the answer that is "
                f"learned, in full; end the chat with the answer to be learned, or remove the row, or '{key}'"
            )


def _listed(messages: Any, where: str) -> Sequence[Any]:
    messages = structure(messages) if isinstance(messages, str) else python_value(messages)
    if not isinstance(messages, list | tuple):
        raise DataError(f"{where}: 'messages' must be {CHAT_RULE}")
    return messages


def _called(number: int, where: str) -> str:
    return f"{where}: message {number} of 'messages'"


def beside_messages(row: Mapping[str, Any]) -> list[str]:
    """Columns of a row that say something beside its chat, and no template is given."""
    return [name for name in BESIDE_MESSAGES if _is_filled(row.get(name))]


def beside_notes(counts: Mapping[str, int]) -> list[str]:
    """A sentence for each column of `beside_messages`, from the number of its rows."""
    return [
        f"rows with '{name}' beside 'messages', which the chat template is not given: {count:,}; write into a system "
        "turn what the model shall know of it"
        for name, count in counts.items()
    ]


def _is_filled(value: Any) -> bool:
    parsed = structure(value) if isinstance(value, str) else python_value(value)
    if isinstance(parsed, Mapping):
        # a setting that is off is said too
        return any(not is_missing(one) for one in parsed.values())
    return _says(value if parsed is None else parsed) and not is_missing(value)


def _turn(message: Any, where: str) -> Turn:
    if not isinstance(message, Mapping):
        raise DataError(f"{where} is {message!r:.40}; 'messages' must be {CHAT_RULE}")
    beside = next((name for name in BESIDE_TEXT if _says(python_value(message.get(name)))), None)
    if beside is not None:
        raise DataError(
            f"{where} has '{beside}', and only its text is read; write that into its 'content' as the model shall say "
            f"it, or remove '{beside}' or the row"
        )
    lacking = [f"'{name}'" for name in Turn._fields if name not in message]
    if lacking:
        has = ", ".join(map(str, message))
        raise DataError(f"{where} has no {' and no '.join(lacking)}, but {has}; 'messages' must be {CHAT_RULE}")
    if is_missing(message["role"]):
        raise DataError(f"{where} has no 'role'; write user, assistant or system there, or remove the message")
    return Turn(encodable(str(message["role"])), encodable(_text(python_value(message["content"]), where)))


def _says(value: Any) -> bool:
    """Whether something stands there; an object of nulls is nothing, as columns of objects have it."""
    if isinstance(value, Mapping):
        return any(map(_says, value.values()))
    return bool(value)


def _text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        return "".join(_text_of_part(python_value(part), number, where) for number, part in enumerate(content, 1))
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
