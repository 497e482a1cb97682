"""Axolotl's `datasets`: where rows lie, and what their type makes of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slimtune.sweeper.translation.said import Said, Values

FILES = (".json", ".jsonl", ".csv", ".parquet", ".txt")
# keys of a set that are taken over, or say how a file is read, which its ending says here
READ = ("path", "type", "split", "name", "field", "ds_type", "field_messages")
# as Axolotl writes them for the model
ALPACA = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
)
TEMPLATES = {
    "alpaca": ALPACA + "{output}",
    "gpteacher": ALPACA + "{response}",
    "alpaca_chat": "{instruction}\n{input}\n{output}",
}
PLAIN = ("completion", "pretrain")
CHATS = ("chat_template", "sharegpt")
RENAMED = "its keys 'role' and 'content', and its roles user and assistant"
SEGMENTS = (
    "task=generation of parts ('segments') of which some are learned, which rows here cannot say: write what leads to "
    "the answer and the answer into two columns (data.text_column, data.target_column), or into a chat ('messages')"
)
UNKNOWN = (
    "taken as task=generation: name the columns of prompt and answer, data.text_column and data.target_column, or one "
    "data.text_template"
)


class _Kind(NamedTuple):
    """What a type says: an option of the task, values, and words about them."""

    task: str
    values: Mapping[str, Any]
    told: str


def datasets(value: Any, _: Values) -> Said:
    """Rows, and the task with the columns that their type is for."""
    sets = [one if isinstance(one, Mapping) else {"path": one} for one in value] if isinstance(value, list) else []
    choices, values, told = _places(sets)
    kinds = {kind.told: kind for kind in map(_kind_of, sets)}
    told += list(kinds)
    if len({kind.task for kind in kinds.values()}) == 1:
        choices["task"] = next(iter(kinds.values())).task
    if len(kinds) == 1:
        values |= next(iter(kinds.values())).values
    elif kinds:
        told.append("sets of several types: write their rows into columns of one name each")
    left = sorted({str(name) for one in sets for name in one} - {*READ})
    told += [f"not taken over of a set: {', '.join(left)}"] if left else []
    return Said(choices=choices, values=values, told="; ".join(told) or None)


def _places(sets: list[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    paths = [str(one.get("path")) for one in sets]
    files = [path for path in paths if path.endswith(FILES) or path.startswith(("/", "./", "../"))]
    splits = [str(one["split"]) for one in sets if one.get("split") is not None]
    if files and len(files) == len(paths):
        cut = [split for split in splits if split != "train"]
        told = [f"split {', '.join(cut)}: of files data.train_split='train[:1000]' takes some rows"] if cut else []
        return {}, {"data.train_file": files[0] if len(files) == 1 else files}, told
    if len(paths) != 1:
        return {}, {}, ["several sets: name one (data=hub data.dataset=...), or write them into files"]
    named = {"data.dataset_config": sets[0].get("name"), "data.train_split": splits[0] if splits else None}
    values = {"data.dataset": paths[0]} | {key: value for key, value in named.items() if value is not None}
    return {"data": "hub"}, values, []


def _kind_of(one: Mapping[str, Any]) -> _Kind:
    given = one.get("type")
    if isinstance(given, Mapping):
        return _own(given)
    name = str(given)
    base = name.partition(":")[0].partition(".")[0]
    if base in PLAIN or given is None:
        column = str(one.get("field") or "text")
        return _Kind("language_modelling", {"data.text_column": column}, _plain(name, column))
    if base in TEMPLATES and base == name.partition(":")[0]:
        return _filled(f"type {name}", TEMPLATES[base])
    if base in CHATS:
        column = str(one.get("field_messages") or ("conversations" if base == "sharegpt" else "messages"))
        return _Kind("generation", {}, f"type {name} is task=generation of chats, {_chats(column)}")
    if base == "input_output":
        return _Kind("generation", {}, f"type {name} is {SEGMENTS}")
    return _Kind("generation", {}, f"type {name} is {UNKNOWN}")


def _plain(name: str, column: str) -> str:
    named = "a set without a type" if name == "None" else f"type {name}"
    return f"{named} is task=language_modelling of plain text, data.text_column={column}"


def _chats(column: str) -> str:
    if column == "messages":
        return f"read from the column 'messages'; where rows have 'from' and 'value', rename {RENAMED}"
    return f"which are read from a column 'messages' alone: rename '{column}', {RENAMED}"


def _own(given: Mapping[str, Any]) -> _Kind:
    """A form of one's own, with the names of its columns."""
    columns = {part: str(given.get(f"field_{part}") or part) for part in ("instruction", "input", "output")}
    form = str(given.get("format") or ("{instruction} {input}\n" if "field_input" in given else "{instruction}\n"))
    for part in ("instruction", "input"):
        form = form.replace(f"{{{part}}}", f"{{{columns[part]}}}")
    left = sorted({str(name) for name in given} - {"format", *(f"field_{part}" for part in columns)})
    more = f"; not taken over of it: {', '.join(left)}" if left else ""
    kind = _filled("a type with fields", f"{form}{{{columns['output']}}}")
    return kind._replace(told=kind.told + more)


def _filled(what: str, template: str) -> _Kind:
    """A text with fields, of which the last is the answer."""
    answer = template[template.rindex("{") + 1 : -1]
    optional = " (take {input} out of it where rows have no such column)" if "{input}" in template else ""
    return _Kind(
        "generation",
        {"data.text_template": template, "data.target_column": answer},
        f"{what} is task=generation with data.text_template{optional} and data.target_column={answer}",
    )
