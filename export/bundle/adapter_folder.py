"""A folder of one base and its adapters, and a manifest that proves it."""

from pathlib import Path
from typing import NamedTuple

from slimtune.export.bundle.adapters_manifest import AdaptersManifest
from slimtune.export.bundle.bundle import MANIFEST, TOKENIZER, RunnableModel, read_manifest, sha256
from slimtune.export.graph_names import MODEL, Kind
from slimtune.training.broken_files import BROKEN, fault_of, read_object
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import ModelError
from slimtune.training.usual_places import home_path

# what the base alone goes by
BASE = "base"
BASE_NAMES = (BASE, "none")
# the column, or the param, that chooses one of several for a row, where they are served
ADAPTER = "adapter"
REPAIR = "run slimtune adapters again"


class AdapterFolder(NamedTuple):
    """A folder whose files are those that the manifest names.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
    """

    folder: Path
    manifest: AdaptersManifest

    @property
    def kind(self) -> Kind:
        """What its base answers."""
        return self.manifest.base.kind

    @property
    def names(self) -> list[str]:
        """Of its adapters."""
        return list(self.manifest.adapters)

    def file(self, name: str) -> Path:
        """An adapter's file."""
        return self.folder / f"{name}.onnx_adapter"

    def chosen(self, name: str | None) -> str | None:
        """The adapter that a user names; None is the base alone.

        Raises:
            ModelError: There is none of that name, or none is named.
        """
        known = ", ".join(self.names)
        if name is None:
            raise ModelError(
                f"{self.folder} has several adapters; give --adapter (in Python adapter=): {known}, or base for the "
                "base alone"
            )
        if name in BASE_NAMES:
            if self.kind is Kind.labels and not self.manifest.base.labels:
                raise ModelError(f"adapter {name}: the base alone has no labels to answer with; use one of {known}")
            return None
        if name not in self.names:
            raise ModelError(f"adapter {name}: {suggestion(name, [*self.names, BASE])}")
        return name

    def model(self, name: str | None) -> RunnableModel:
        """The base with an adapter switched on; None is the base alone."""
        if name is None:
            return RunnableModel(self.folder, self.manifest.base)
        return RunnableModel(self.folder, self.manifest.adapters[name].interface, adapter=self.file(name))


def chosen_adapter(model: str, adapter: str | None, *, said: str | None = None) -> RunnableModel | None:
    """The adapter that a user names of a folder of adapters; None for any other model.

    Args:
        model: The folder.
        adapter: Its name; None names none.
        said: How the user named the folder, if otherwise.

    Raises:
        ModelError: The adapter is unknown, or none is named, or one is named of another kind of model.
    """
    folder = home_path(model)
    if is_adapter_folder(folder):
        opened = open_adapter_folder(folder)
        return opened.model(opened.chosen(adapter))
    if adapter is not None:
        raise ModelError(
            f"adapter {adapter}: {said or model} is no folder of adapters; leave --adapter (in Python adapter=) out, "
            "or give a folder that slimtune adapters wrote"
        )
    return None


def is_adapter_folder(folder: Path) -> bool:
    """Whether a folder's manifest speaks of adapters."""
    try:
        return "adapters" in read_object(folder / MANIFEST)
    except BROKEN:
        return False


def open_adapter_folder(folder: Path) -> AdapterFolder:
    """A folder of adapters, after every file's hash was compared.

    Raises:
        ModelError: The folder is none, or a file is missing or was changed.
    """
    path = folder / MANIFEST
    values = read_manifest(path, REPAIR)
    try:
        opened = AdapterFolder(folder, AdaptersManifest.parse(values))
    except BROKEN as error:
        raise ModelError(f"{path} is broken: {fault_of(error)}; {REPAIR}") from None
    files = opened.manifest.files
    for name in {MODEL, TOKENIZER, *(opened.file(name).name for name in opened.names)} - files.keys():
        raise ModelError(f"{path} does not list {name}; {REPAIR}")
    for name, expected in files.items():
        _check_file(folder, name, expected)
    return opened


def _check_file(folder: Path, name: str, expected: str) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(f"{folder / MANIFEST} names the file {name!r}, which is not in its folder")
    if not path.is_file():
        raise ModelError(f"{path} is missing; {REPAIR}")
    if sha256(path) != expected:
        raise ModelError(f"{path} was changed: its sha256 is not the manifest's; {REPAIR}")
