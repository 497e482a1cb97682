"""Which key of a foreign `config.json` a model cannot be built with, and what may stand there."""

import json
import linecache
import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig

from slimtune.training.broken_files import BROKEN, fault_of, read_object, text_of_error
from slimtune.training.config.near_names import nearest_name
from slimtune.training.errors import ModelError
from slimtune.training.models.place import ADAPTER, CONFIG, no_model_in

# those that hold an object, whatever the model
OBJECTS = (CONFIG, "generation_config.json", "tokenizer_config.json", "tokenizer.json", ADAPTER)
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")
# of a tokenizer that merges pairs of tokens
HALVES = ("vocab.json", "merges.txt")
MOST_SHOWN = 12
# shares of what is dropped in training, as families call them
_DROPPED = re.compile(r"dropout|_pdrop$|layerdrop$|drop_?path")
_NAME = re.compile(r"\w+")


def told(error: Exception, path: str | Path, auto_class: Any = None) -> str | None:
    """What is wrong with a folder's `config.json`: key, value, rule and repair; None if it is not one of its keys.

    Args:
        error: What building the model raised.
        path: The folder.
        auto_class: transformers' class that was built; None if only the config was read.
    """
    text = str(error)
    if "trust_remote_code" in text:
        return (
            f"its {CONFIG} names code of its own (auto_map), which is not run unasked; if you know who wrote it and "
            "trust them, say model.trust_remote_code=true"
        )
    if not Path(path).is_dir():
        return None
    if (broken := fault_of_files(Path(path))) is not None:
        return broken
    values = json.loads((Path(path) / CONFIG).read_text(encoding="utf-8"))
    return said_of_key(error, values, lambda rest: _build(rest, auto_class), where=f"its {CONFIG} has ")


def unread_weights(error: Exception, folder: Path) -> str | None:
    """What is wrong with weights that another library has packed, and cannot be read for want of it; None of others.

    Args:
        error: What loading the model raised.
        folder: Its files.
    """
    text = text_of_error(error)
    if not isinstance(error, ImportError) and "GPU is required" not in text:
        return None
    try:
        packed = read_object(folder / CONFIG).get("quantization_config")
    except BROKEN:
        return None
    kind = packed.get("quant_method") if isinstance(packed, Mapping) else None
    if kind is None:
        return None
    return (
        f"its weights are stored quantized ({kind}), and are not read here ({text}); slimtune packs plain weights by "
        "itself: name the model that this one was made of, with model.quantization=nf4 (method=qlora)"
    )


def fault_of_files(folder: Path) -> str | None:
    """What is missing or broken of a model's folder; None if nothing is found."""
    if (broken := broken_file(folder)) is not None:
        return f"{broken}; save the model again, or copy the file anew"
    if (fault := no_model_in(folder)) is not None:
        return fault
    has = {name: (folder / name).is_file() for name in (*TOKENIZERS, *HALVES)}
    there, lacking = HALVES if has[HALVES[0]] else HALVES[::-1]
    if has[there] and not any(is_there for name, is_there in has.items() if name != there):
        return f"it has {there} without {lacking}, and its tokenizer is of both; copy {lacking} beside it"
    if not any(has[name] for name in TOKENIZERS):
        return "it has no tokenizer; save that beside the model, tokenizer.save_pretrained(...)"
    return None


def broken_file(folder: Path) -> str | None:
    """Which file of a folder cannot be read as what its name says, and why; None if all can."""
    for file in sorted(folder.glob("*.json")):
        try:
            if file.name in OBJECTS:
                read_object(file)
            else:
                json.loads(file.read_text(encoding="utf-8"))
        except BROKEN as error:
            return f"its {file.name} is broken: {'it is a folder' if file.is_dir() else fault_of(error)}"
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, "pt"):
                pass
        except (OSError, SafetensorError) as error:
            return f"its {file.name} is broken: {'it is a folder' if file.is_dir() else fault_of(error)}"
    return None


def said_of_key(
    error: Exception, values: Mapping[str, Any], build: Callable[[Mapping[str, Any]], object], *, where: str
) -> str | None:
    """The one key without which it works, its value and what may stand there; None if there is none.

    Args:
        error: What building with all of them raised.
        values: Of the config.
        build: Raises what is wrong with others.
        where: What stands before the key.
    """
    if _builds(values, build):
        return None
    for key in values:
        if key != "model_type" and _builds({name: one for name, one in values.items() if name != key}, build):
            written = json.dumps(values[key], default=str)
            return f"{where}{key}={written:.80}, {_rule(error, written)}"
    return None


def _builds(values: Mapping[str, Any], build: Callable[[Mapping[str, Any]], object]) -> bool:
    try:
        build(values)
    except Exception:  # noqa: BLE001  # any, as whatever was raised at first
        return False
    return True


def _build(values: Mapping[str, Any], auto_class: Any) -> None:
    config = AutoConfig.for_model(**values)
    if hasattr(auto_class, "from_config"):
        with torch.device("meta"):
            auto_class.from_config(config)


def _rule(error: Exception, written: str) -> str:
    known = _known_words(error)
    if known and str(error.args[0]) in written:
        near = nearest_name(str(error.args[0]), known)
        shown = ", ".join(known[:MOST_SHOWN]) + (
            f" and {len(known) - MOST_SHOWN} more" if len(known) > MOST_SHOWN else ""
        )
        return f"which is none of {shown}" + (f"; did you mean '{near}'?" if near else "")
    reason = text_of_error(error)
    return f"which transformers cannot use ({type(error).__name__}: {reason}); correct it, or take the key out"


def _known_words(error: Exception) -> list[str]:
    """Of a KeyError the keys of the table that it was looked up in."""
    if not isinstance(error, KeyError) or not error.args:
        return []
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        text = linecache.getline(frame.f_code.co_filename, line)
        for name in ("self", *_NAME.findall(text)):
            table = frame.f_locals.get(name, frame.f_globals.get(name))
            if isinstance(table, Mapping) and len(table) > 1 and all(isinstance(key, str) for key in table):
                return sorted(table) if error.args[0] not in table else []
    return []


def check_generation_file(folder: Path, *, said: str) -> None:
    """Whether transformers can read how a model writes: of a broken file it says nothing, and takes other settings.

    Raises:
        ModelError: It cannot.
    """
    file = folder / "generation_config.json"
    if file.is_file() and (fault := fault_of_files(folder)) is not None and file.name in fault:
        raise ModelError(f"{said}: {fault}")


def no_shares(values: Mapping[str, Any]) -> list[str]:
    """Keys of what is dropped in training whose value is no share, so that the first step would fail."""
    numbers = {key: one for key, one in values.items() if isinstance(one, int | float) and not isinstance(one, bool)}
    return [
        f"{key}={value}; use a share in [0, 1], e.g. 0.1"
        for key, value in numbers.items()
        if _DROPPED.search(key) and not 0 <= value <= 1
    ]


def check_shares(config: Any, *, said: str) -> None:
    """Whether what is dropped in training is a share.

    Raises:
        ModelError: It is not.
    """
    for problem in no_shares(config.to_dict()):
        raise ModelError(f"{said}: its {CONFIG} has {problem}")
