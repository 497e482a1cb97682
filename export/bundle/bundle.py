"""A bundle: one folder with all that predicting needs, and a manifest that proves it."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.bundle.interface import Interface
from slimtune.export.bundle.manifest import FORMAT, BuiltFor, Manifest
from slimtune.export.graph_names import Kind
from slimtune.training.atomic_files import folder_aside
from slimtune.training.errors import ModelError

MANIFEST, TOKENIZER, CARD = "manifest.json", "tokenizer.json", "README.md"
# beside tokenizer.json, for those who load it with transformers
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


class RunnableModel(NamedTuple):
    """Graphs and a tokenizer in a folder, and how they are run.

    Attributes:
        folder: Where they lie.
        interface: What the model is given, and what it answers.
        target: What it was built for; None runs on the CPU.
        adapter: The `.onnx_adapter` file that is to be switched on; None runs the graph as it is.
    """

    folder: Path
    interface: Interface
    target: BuiltFor | None = None
    adapter: Path | None = None


class Bundle(NamedTuple):
    """A bundle whose files are those that the manifest names.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
    """

    folder: Path
    manifest: Manifest

    @property
    def model(self) -> RunnableModel:
        """What runs it."""
        return RunnableModel(self.folder, self.manifest.interface, self.manifest.target)

    @property
    def kind(self) -> Kind:
        """What it answers."""
        return self.manifest.interface.kind

    @property
    def labels(self) -> Sequence[str]:
        """Label names in the order of their ids."""
        return self.manifest.interface.labels

    @property
    def multi_label(self) -> bool:
        """Whether a text has any number of labels."""
        return self.manifest.interface.multi_label

    @property
    def takes_pairs(self) -> bool:
        """Whether it is given two texts at a time."""
        return self.manifest.interface.takes_pairs


def write_bundle(folder: Path, *, graphs: Path, tokenizer: Path, manifest: Manifest, card: str) -> Bundle:
    """Write a bundle aside, the manifest last, and put it in place of an older one.

    Args:
        folder: Where it shall lie.
        graphs: The folder of the variant.
        tokenizer: The folder of the tokenizer.
        manifest: What it says of itself; its files are noted here.
        card: The model card.
    """
    with folder_aside(folder) as aside:
        for path in (*graphs.iterdir(), *(tokenizer / name for name in (TOKENIZER, *TOKENIZER_FILES))):
            if path.is_file():
                shutil.copyfile(path, aside / path.name)
        (aside / CARD).write_text(card, encoding="utf-8")
        values = write_manifest(aside, replace(manifest, files=hashes(aside)).as_dict())
    return Bundle(folder, Manifest.parse(values))


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file of a folder, by its path in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in paths}


def write_manifest(folder: Path, values: Mapping[str, Any]) -> Any:
    """Write `manifest.json`, the last file of a folder; its values as they are read again."""
    text = json.dumps(values, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return json.loads(text)


def open_bundle(folder: Path) -> Bundle:
    """A bundle, after every file's hash was compared.

    Raises:
        ModelError: The folder is no bundle, or a file is missing or was changed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(f"{folder} is no bundle: it has no {MANIFEST}; give the folder that slimtune export wrote")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        check_format(path, values)
        manifest = Manifest.parse(values)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is broken ({error!r}); export the model again") from None
    for name in {*manifest.interface.kind.files, TOKENIZER} - manifest.files.keys():
        raise ModelError(f"{path} does not list {name}; export the model again")
    for name, expected in manifest.files.items():
        _check_file(folder, name, expected)
    return Bundle(folder, manifest)


def check_format(path: Path, values: Mapping[str, Any]) -> None:
    """Whether a manifest is of this version's format.

    Raises:
        KeyError, TypeError: It says nothing of it.
        ModelError: It is of another one.
    """
    if values["format"] != FORMAT:
        raise ModelError(f"{path} has format {values['format']!r}; this version of slimtune reads {FORMAT}")


def _check_file(folder: Path, name: str, expected: str) -> None:
    path = folder / name
    if Path(name).name != name:
        raise ModelError(f"{folder / MANIFEST} names the file {name!r}, which is not in the bundle's folder")
    if not path.is_file():
        raise ModelError(f"{path} is missing; the bundle is incomplete, export the model again")
    if sha256(path) != expected:
        raise ModelError(f"{path} was changed: its sha256 is not the manifest's; export the model again")


def sha256(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
