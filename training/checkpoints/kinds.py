"""What kind of model a folder holds, by the files in it; nothing is imported to look."""

from pathlib import Path
from shlex import quote

# the file that makes a folder a checkpoint; named here, since whoever looks for one need not import torch
RECORD = "slimtune.json"
# files that say what else a folder is, and what makes a model of slimtune of it
ELSE = {
    "adapter_config.json": "an adapter of peft",
    "config.json": "a model of transformers",
}


def is_checkpoint(folder: Path) -> bool:
    """Whether slimtune wrote it."""
    return (folder / RECORD).is_file()


def repair_of(folder: Path) -> str | None:
    """What to do with a folder of another kind of model; None if it is none."""
    if (folder / RECORD).is_file() or any(folder.glob(f"checkpoint-*/{RECORD}")):
        command = f"slimtune export --run {quote(str(folder))} --out exported"
        return f"it is a checkpoint of slimtune; make a bundle of it: {command}"
    kind = next((kind for name, kind in ELSE.items() if (folder / name).is_file()), None)
    if kind is None:
        return None
    labels = "'task.labels=[...]' " if kind == ELSE["adapter_config.json"] else ""
    return (
        f"it is {kind}; make a bundle of it and give exported/bundle: slimtune export --run {quote(str(folder))} --out "
        f"exported task=classification {labels}data.train_file=rows.jsonl"
    )
