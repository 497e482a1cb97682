"""Where a model lies: a folder, a package or the hub; nothing heavy is imported to see that."""

import os
import re
from pathlib import Path

from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.config.model import ModelConfig
from slimtune.training.errors import ModelError
from slimtune.training.hub_connection import why_unreachable
from slimtune.training.lfs_pointer import said_of_unfetched, unfetched
from slimtune.training.package_path import package_file
from slimtune.training.usual_places import last_checkpoint

CONFIG, WEIGHTS, PICKLES = "config.json", "*.safetensors", "*.bin"
ADAPTER = "adapter_config.json"
ADAPTER_REPAIR = "it is an adapter: merge it into its base first (merge_and_unload), or name the base"
FURTHER = "docs/methods.md, Train a finished trial further, has the lines"
# adapters for which weights of the base can stand, by peft's names
MERGEABLE = ("LORA", "IA3")
# folders that a message names
MOST_BELOW = 3


def resolved_path(config: ModelConfig) -> str:
    """What `from_pretrained` takes: a folder or a hub name.

    Raises:
        ModelError: A package or a folder that does not exist.
    """
    try:
        path = package_file(config.name_or_path or "")
    except FileNotFoundError as error:
        raise ModelError(f"model.name_or_path: {error}") from None
    looks_like_path = path.startswith((".", "/", "~")) or path.count("/") > 1
    path = os.path.expanduser(path)
    if looks_like_path and not Path(path).is_dir():
        raise ModelError(f"model.name_or_path is '{path}', which is not a folder; give a folder with a config.json")
    return path


def check_place(config: ModelConfig) -> None:
    """Whether there are files of a model.

    Raises:
        ModelError: The folder, package or hub name leads to none.
    """
    folder = Path(resolved_path(config))
    if folder.is_dir():
        if (fault := no_model_in(folder)) is not None:
            raise ModelError(f"model.name_or_path is '{config.name_or_path}': {fault}")
        check_fetched(config)
        check_weight_files(folder)
    elif folder_on_disk(config) is None and (unreachable := why_unreachable()) is not None:
        raise out_of_reach(config, unreachable)


def check_fetched(config: ModelConfig) -> None:
    """Whether the files of a model's folder are themselves there; of a hub name nothing is looked at.

    Raises:
        ModelError: One is a pointer of Git LFS.
    """
    folder = Path(resolved_path(config))
    if folder.is_dir() and (pointer := unfetched(sorted(folder.iterdir()))) is not None:
        raise ModelError(f"model.name_or_path is '{config.name_or_path}': its {said_of_unfetched(pointer)}")


def check_weight_files(folder: Path) -> None:
    """Whether a folder has weights in the format that is read.

    Raises:
        ModelError: It has none.
    """
    if not list(folder.glob(WEIGHTS)):
        raise ModelError(f"{folder} {no_weights(folder)}")


def no_weights(folder: Path) -> str:
    """What is said of a model's folder without weights in the format that is read, and what writes them."""
    pickles = sorted(folder.glob(PICKLES))
    if pickles:
        # the class that it was saved with: AutoModel would leave the head out
        names = _values_of(folder).get("architectures")
        name, place = names[0] if isinstance(names, list) and names else "AutoModel", repr(str(folder))
        return (
            f"has no {WEIGHTS}, and {pickles[0].name} is a pickle, which is not read; load and save it once with "
            f"transformers, which writes safetensors: {name}.from_pretrained({place}).save_pretrained({place})"
        )
    repair = f"copy them beside its {CONFIG}, or save the model again (save_pretrained)"
    return f"has no weights ({WEIGHTS}){_models_below(folder) or f'; {repair}'}"


def no_model_in(folder: Path) -> str | None:
    """What is wrong with a folder that is no model's; None of one that may be."""
    if not (folder / CONFIG).is_file():
        return f"it has no {CONFIG}{_models_below(folder) or f'; {_repair_of(folder)}'}"
    below = None if _has_weights(folder) else _models_below(folder)
    return f"it has no weights{below}" if below else None


def _repair_of(folder: Path) -> str:
    """What to name in place of a folder without a model."""
    checkpoint = last_checkpoint(folder)
    if checkpoint is None:
        return ADAPTER_REPAIR if (folder / ADAPTER).is_file() else "name the folder of a model"
    where = "it" if checkpoint == folder else f"{checkpoint} in it"
    what = f"{where} is a checkpoint of slimtune"
    if _values_of(checkpoint, ADAPTER).get("peft_type") in MERGEABLE:
        return (
            f"{what}, an adapter: to train it further, merge it into its base by peft, save that, and name the folder "
            f"({FURTHER}); to train a new one, name the base"
        )
    return f"{what} whose method adds to a base what no model's folder holds; name the base, and train from there"


def _models_below(folder: Path) -> str | None:
    """Models in the folders of a folder, as sentence-transformers, a Trainer and the hub's cache have them."""
    found = [path.parent for pattern in (f"*/{CONFIG}", f"*/*/{CONFIG}") for path in folder.glob(pattern)]
    models = [path for path in found if "model_type" in _values_of(path) and _has_weights(path)]
    # the last checkpoint before others
    models.sort(key=lambda path: (-_number(path.name), path))
    if not models:
        return None
    names = [path.relative_to(folder).as_posix() for path in models]
    more = f" and {len(names) - MOST_BELOW} more" if len(names) > MOST_BELOW else ""
    return f", and a model lies below it, in {', '.join(names[:MOST_BELOW])}{more}; name that folder: {models[0]}"


def _has_weights(folder: Path) -> bool:
    return any(any(folder.glob(pattern)) for pattern in (WEIGHTS, PICKLES))


def _number(name: str) -> int:
    return max(map(int, re.findall(r"[0-9]{1,12}", name)), default=0)


def _values_of(folder: Path, file: str = CONFIG) -> dict[str, object]:
    """The values of the folder's config, or of another file; none if it has none that can be read, which is told where
    it is loaded.
    """
    try:
        return read_object(folder / file)
    except BROKEN:
        return {}


def out_of_reach(config: ModelConfig, why: str) -> ModelError:
    """Says that a hub name leads nowhere now."""
    return ModelError(
        f"model.name_or_path is '{config.name_or_path}', which is no folder here, and as a model of the hub it "
        f"was not downloaded before, and {why}; give a local folder with config.json and "
        "model.safetensors, or package:<module>/<folder>"
    )


def folder_on_disk(config: ModelConfig) -> Path | None:
    """The folder with a model's files; None for one of the hub that was not downloaded.

    Raises:
        ModelError: A package or a folder that does not exist.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    path = resolved_path(config)
    if Path(path).is_dir():
        return Path(path)
    try:
        found = try_to_load_from_cache(path, CONFIG, revision=config.revision)
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None
