"""A bundle: one folder with all that predicting needs, and a manifest that proves it."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from slimtune.export.bundle.interface import Interface
from slimtune.export.bundle.manifest import FORMAT, BuiltFor, Manifest
from slimtune.export.graph_names import GENAI_SETTINGS, Kind
from slimtune.training.atomic_files import folder_aside, with_finite_numbers
from slimtune.training.broken_files import BROKEN, fault_of, read_object
from slimtune.training.checkpoints.kinds import repair_of
from slimtune.training.config.trust import check_trusted, libraries_in
from slimtune.training.errors import ModelError
from slimtune.training.listed_names import short_repr

MANIFEST, TOKENIZER, CARD = "manifest.json", "tokenizer.json", "README.md"
# of a manifest: the sha256 of all else in it
OWN_HASH = "manifest_sha256"
# beside tokenizer.json, for those who load it with transformers
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


class TrainedColumns(NamedTuple):
    """Where the rows that a model was trained on had their texts; None is not known.

    Attributes:
        text: The text's column.
        text_pair: The second text's.
        label: That of the label.
    """

    text: str | None = None
    text_pair: str | None = None
    label: str | None = None


UNKNOWN_COLUMNS = TrainedColumns()


class RunnableModel(NamedTuple):
    """Graphs and a tokenizer in a folder, and how they are run.

    Attributes:
        folder: Where they lie.
        interface: What the model is given, and what it answers.
        target: What it was built for; None runs on the CPU.
        adapter: The `.onnx_adapter` file that is to be switched on; None runs the graph as it is.
        trained: Where its training rows had their texts.
    """

    folder: Path
    interface: Interface
    target: BuiltFor | None = None
    adapter: Path | None = None
    trained: TrainedColumns = UNKNOWN_COLUMNS


class Bundle(NamedTuple):
    """A bundle whose files are those that the manifest names.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
    """

    folder: Path
    manifest: Manifest

    def __repr__(self) -> str:
        """Where it lies and what it is of; a manifest has thousands of characters."""
        manifest = self.manifest
        return short_repr("Bundle", folder=self.folder, variant=manifest.variant, task=manifest.training.task)

    @property
    def model(self) -> RunnableModel:
        """What runs it."""
        return RunnableModel(self.folder, self.manifest.interface, self.manifest.target, trained=self.columns)

    @property
    def columns(self) -> TrainedColumns:
        """Where its training rows had what."""
        data = self.manifest.training.config.get("data")
        named = data if isinstance(data, Mapping) else {}
        found = (named.get(f"{name}_column") for name in TrainedColumns._fields)
        return TrainedColumns(*(name if isinstance(name, str) else None for name in found))

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
    """Write `manifest.json`, the last file of a folder, with a hash of itself; its values as they are read again.

    A number that is NaN or infinite, which JSON lacks, is null, and read as NaN.
    """
    values = with_finite_numbers(values)
    text = json.dumps({**values, OWN_HASH: _own_hash(values)}, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return json.loads(text)


def _own_hash(values: Mapping[str, Any]) -> str:
    """sha256 of a manifest's values but the hash itself."""
    told = {key: value for key, value in values.items() if key != OWN_HASH}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def open_bundle(folder: Path, *, trust: bool = False) -> Bundle:
    """A bundle, after every file's hash was compared, the manifest's own among them.

    Args:
        folder: Where it lies.
        trust: Whether libraries that its files name may be loaded, although the user's own command does not name them.

    Raises:
        ModelError: The folder is no bundle, or a file is missing or was changed.
        UntrustedError: It names such a library.
    """
    path = folder / MANIFEST
    if not path.is_file():
        repair = repair_of(folder) or "give the folder that slimtune export wrote"
        lacks = f"it has no {MANIFEST}; " if folder.is_dir() else ""
        raise ModelError(f"{folder} is no bundle: {lacks}{repair}")
    values = read_manifest(path, "export the model again")
    if "adapters" in values:
        raise ModelError(
            f"{folder} is a base with several adapters, and one model is asked for; answers of one of them are given "
            f"by slimtune predict --model {quote(str(folder))} --adapter <name>, and its scores by the checkpoint "
            "that it was made of"
        )
    try:
        manifest = Manifest.parse(values)
    except BROKEN as error:
        raise ModelError(f"{path} is broken: {fault_of(error)}; export the model again") from None
    for name in {*manifest.interface.kind.files, TOKENIZER} - manifest.files.keys():
        raise ModelError(f"{path} does not list {name}; export the model again")
    for name, expected in manifest.files.items():
        _check_file(folder, name, expected)
    _check_libraries(folder, manifest, trust=trust)
    return Bundle(folder, manifest)


def read_manifest(path: Path, repair: str) -> dict[str, Any]:
    """The values of a `manifest.json` as it was written, of this version's format.

    Args:
        path: The file.
        repair: What makes the folder anew.

    Raises:
        ModelError: It cannot be read, was not written by slimtune, is of another format, or was changed.
    """
    try:
        values = read_object(path)
    except BROKEN as error:
        raise ModelError(f"{path} is broken: {fault_of(error)}; {repair}") from None
    if "format" not in values:
        raise ModelError(f"{path} is broken, or not of slimtune: it lacks 'format'; {repair}")
    if values["format"] != FORMAT:
        raise ModelError(
            f"{path} has format {values['format']!r}, and this version of slimtune reads {FORMAT}; open it with the "
            f"version that wrote it, or {repair}"
        )
    if values.get(OWN_HASH) != _own_hash(values):
        raise ModelError(f"{path} was changed after it was written: its sha256 is another; {repair}")
    return values


def _check_libraries(folder: Path, manifest: Manifest, *, trust: bool) -> None:
    """A runtime loads libraries that its options name, and a library is code."""
    if manifest.target is not None:
        options = {"provider_options": dict(manifest.target.provider_options)}
        check_trusted(libraries_in(options, "target"), folder / MANIFEST, trust=trust)
    settings = folder / GENAI_SETTINGS
    if settings.is_file():
        try:
            values = read_object(settings)
        except BROKEN as error:
            raise ModelError(f"{settings} is broken: {fault_of(error)}; export the model again") from None
        check_trusted(libraries_in(values), settings, trust=trust)


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
