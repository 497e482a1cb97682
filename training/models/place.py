"""Where a model lies: a folder, a package or the hub; nothing heavy is imported to see that."""

import os
from pathlib import Path

from slimtune.training.config.model import ModelConfig
from slimtune.training.errors import ModelError
from slimtune.training.hub_connection import why_unreachable
from slimtune.training.lfs_pointer import said_of_unfetched, unfetched
from slimtune.training.package_path import package_file

CONFIG = "config.json"


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
        if not (folder / CONFIG).is_file():
            raise ModelError(
                f"model.name_or_path is '{config.name_or_path}': it has no {CONFIG}; name the folder of a model"
            )
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
    if not list(folder.glob("*.safetensors")):
        raise ModelError(f"{folder} has no *.safetensors; save the model with safe_serialization=True")


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
