"""LLaMA-Factory's `dataset`: names, whose files and columns `dataset_info.json` says where it lies here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slimtune.sweeper.translation.said import Said, Values
from slimtune.training.errors import DataError

SETS, FOLDER = "dataset_info", "data"
STAGES = {"sft": "generation", "pt": "language_modelling"}
# as its alpaca rows become one text
ALPACA = "{instruction}\\n{input}\\n{output}"
CHATS = "a column 'messages' with 'role' and 'content', in place of 'conversations' with 'from' and 'value'"
DATA = (
    "rows are its files: data.train_file=rows.json; alpaca's take "
    f"'data.text_template=\"{ALPACA}\"' data.target_column=output, sharegpt's {CHATS}, "
    "plain text (stage pt) data.text_column"
)
NAMED = ("file_name", "hf_hub_url", "formatting", "columns", "subset", "split")


def known_sets(config: Values, folder: Path) -> dict[str, Any]:
    """What `dataset_info.json` says, beside the config or under the working directory; empty where it is not there.

    Raises:
        DataError: It is no JSON.
    """
    for start in (folder, Path()):
        path = start / str(config.get("dataset_dir") or FOLDER) / f"{SETS}.json"
        if path.is_file():
            return {SETS: _read(path), f"{SETS}_folder": str(path.parent)}
    return {}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no JSON that can be read: {error}; repair it, or move it away") from error
    return found if isinstance(found, dict) else {}


def dataset(value: Any, values: Values) -> Said:
    """Its rows; answers are what it learns where no stage is said."""
    choices = {} if values.get("stage") else {"task": STAGES["sft"]}
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else [str(one) for one in value]
    info = values.get(SETS, {}).get(names[0]) if len(names) == 1 else None
    if not isinstance(info, Mapping):
        more = "" if SETS in values else f" (the columns of a set stand in its {SETS}.json, which does not lie here)"
        return Said(choices=choices, told=DATA + more)
    left = sorted({str(name) for name in info} - {*NAMED})
    unsaid = [f"not taken over of {SETS}.json: {', '.join(left)}"] if left else []
    placed, where = _place(info, Path(values[f"{SETS}_folder"]))
    columns, told = _columns(info, plain=values.get("stage") == "pt")
    return Said(choices={**choices, **placed}, values={**where, **columns}, told="; ".join([*told, *unsaid]) or None)


def _place(info: Values, folder: Path) -> tuple[dict[str, str], dict[str, Any]]:
    if info.get("file_name"):
        return {}, {"data.train_file": str(folder / str(info["file_name"]))}
    named = {
        "data.dataset": info.get("hf_hub_url"),
        "data.dataset_config": info.get("subset"),
        "data.train_split": info.get("split"),
    }
    return {"data": "hub"} if named["data.dataset"] else {}, {k: v for k, v in named.items() if v is not None}


def _columns(info: Values, *, plain: bool) -> tuple[dict[str, Any], list[str]]:
    given = info.get("columns")
    columns: Values = given if isinstance(given, Mapping) else {}
    if plain:
        return {"data.text_column": columns.get("prompt", "text")}, []
    if info.get("formatting", "alpaca") == "sharegpt":
        return {}, [f"chats are read from {CHATS}"]
    prompt, query, answer = (
        columns.get(name, usual)
        for name, usual in (
            ("prompt", "instruction"),
            ("query", None if columns else "input"),
            ("response", "output"),
        )
    )
    fields = [name for name in (prompt, query, answer) if name]
    left = sorted({str(name) for name in columns} - {"prompt", "query", "response"})
    optional = f" (take {{{query}}} out of data.text_template where rows have no such column)" if query else ""
    told = [f"task=generation with data.text_template of {', '.join(map(str, fields))}{optional}"]
    told += [f"columns that are not taken over: {', '.join(left)}"] if left else []
    template = "\n".join(f"{{{name}}}" for name in fields)
    return {"data.text_template": template, "data.target_column": answer}, told
