"""A bundle: one folder with all that predicting needs, and a manifest that proves it."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.graph_names import Kind
from slimtune.training.atomic_files import folder_aside
from slimtune.training.errors import ModelError

MANIFEST, TOKENIZER, CARD = "manifest.json", "tokenizer.json", "README.md"
# beside tokenizer.json, for those who load it with transformers
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
FORMAT = 1


class Bundle(NamedTuple):
    """A bundle whose files are those that the manifest names.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def kind(self) -> Kind:
        """What it answers; bundles of the first versions are classifiers."""
        return Kind(self.manifest.get("kind", Kind.labels.value))

    @property
    def adapter(self) -> Path | None:
        """The file of the adapter that is to be switched on; None runs the graph as it is."""
        name = self.manifest.get("adapter")
        return None if name is None else self.folder / str(name)

    @property
    def labels(self) -> list[str]:
        """Label names in the order of their ids."""
        labels: list[str] = self.manifest["labels"]
        return labels

    @property
    def multi_label(self) -> bool:
        """Whether a text has any number of labels."""
        return bool(self.manifest.get("multi_label", False))

    @property
    def takes_pairs(self) -> bool:
        """Whether it is given two texts at a time."""
        return bool(self.manifest.get("takes_pairs", False))


def write_bundle(folder: Path, *, graphs: Path, tokenizer: Path, manifest: Mapping[str, Any], card: str) -> Bundle:
    """Write a bundle aside, the manifest last, and put it in place of an older one.

    Args:
        folder: Where it shall lie.
        graphs: The folder of the variant.
        tokenizer: The folder of the tokenizer.
        manifest: What it says of itself, without the files.
        card: The model card.
    """
    with folder_aside(folder) as aside:
        for path in (*graphs.iterdir(), *(tokenizer / name for name in (TOKENIZER, *TOKENIZER_FILES))):
            if path.is_file():
                shutil.copyfile(path, aside / path.name)
        (aside / CARD).write_text(card, encoding="utf-8")
        whole = write_manifest(aside, manifest)
    return Bundle(folder, whole)


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the manifest with the hashes of all files; it is the last one."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): sha256(path) for path in paths}
    whole = {"format": FORMAT, "files": hashes, **facts}
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    return whole


def open_bundle(folder: Path) -> Bundle:
    """A bundle, after every file's hash was compared.

    Raises:
        ModelError: The folder is no bundle, or a file is missing or was changed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(f"{folder} is no bundle: it has no {MANIFEST}; give the folder that slimtune export wrote")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files = dict(manifest["files"])
        manifest["labels"], manifest["max_length"], manifest["pad_id"]
        kind = Kind(manifest.get("kind", Kind.labels.value))
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is broken ({error!r}); export the model again") from None
    if manifest.get("format") != FORMAT:
        raise ModelError(f"{path} has format {manifest.get('format')!r}; this version of slimtune reads {FORMAT}")
    for name in {*kind.files, TOKENIZER} - files.keys():
        raise ModelError(f"{path} does not list {name}; export the model again")
    for name, expected in files.items():
        _check_file(folder, str(name), expected)
    return Bundle(folder, manifest)


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
