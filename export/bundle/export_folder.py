"""What an export writes into its folder, and that nothing is lost there which slimtune did not write."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from slimtune.export.bundle.bundle import MANIFEST
from slimtune.export.config import OnnxExport, Variant
from slimtune.export.graph_names import BITSANDBYTES_FOLDER, FP32, GENAI_FOLDER, MERGED_FOLDER
from slimtune.export.precisions import GenaiPrecision, MergedPrecision
from slimtune.training.atomic_files import remove_empty
from slimtune.training.config.model import Quantization
from slimtune.training.errors import ModelError
from slimtune.training.usual_places import home_path

# of a sweep's folder
EXPORT_FOLDER = "export"
REPORT, PICTURE, BUNDLE, SCRATCH = "verification.json", "variants.png", "bundle", "scratch"
# what systems leave in folders that somebody looked at
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
GRAPHS = ("*.onnx", "*.onnx.data", "*.onnx_data")
# what transformers writes of a model and its tokenizer
TRANSFORMERS = ("*.json", "*.safetensors", "*.jinja", "*.model", "vocab.txt", "merges.txt")


class _Place(NamedTuple):
    """What is written anew: where, and what is there that slimtune did not write."""

    path: Path
    others: Callable[[Path], Sequence[str]]


def check_export_folder(folder: Path, config: OnnxExport, sources: Mapping[str, str] | None = None) -> None:
    """Look at the folder of an export before anything is done.

    Args:
        folder: Of the export; what it does not write stays there.
        config: What will be written.
        sources: What is read, by the option that names it.

    Raises:
        ModelError: It is a file, or something in it that will be written anew is, or holds, what slimtune did not
            write; or it is one of the sources, or has one in such a place.
    """
    if folder.exists() and not folder.is_dir():
        raise ModelError(f"{folder} is a file, and an export is a folder; name another one")
    for place in _places(folder, config):
        if others := place.others(place.path):
            raise ModelError(
                f"{place.path} is to be written anew, but {_shown(others)} was not written by slimtune; move it away, "
                "or export into another folder"
            )
    for option, name in (sources or {}).items():
        _check_source(folder, config, option, home_path(name))


def others_than_listed(folder: Path) -> list[str]:
    """Files of a folder that its manifest does not list; all of them without a manifest of slimtune."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        listed = {MANIFEST, *manifest["files"]} if "format" in manifest else set()
    except (OSError, ValueError, LookupError, TypeError):
        listed = set()
    return _but(folder, lambda name: name in listed)


def begin_anew(folder: Path) -> None:
    """Mark the folder as an export's, so that a killed one can be made again, and remove graphs of an earlier one.

    They may be of another kind of model, or variants that are not asked for any more.
    """
    if (folder / REPORT).exists():
        for name in (FP32, *(one.value for one in Variant), SCRATCH):
            _remove_own(folder / name, _others_than_graphs)
        (folder / PICTURE).unlink(missing_ok=True)
    (folder / REPORT).write_text("[]", encoding="utf-8")


def remove_earlier(folder: Path, written: Collection[Path]) -> None:
    """Remove what an earlier export put in place whole, and this one did not; files of others stay.

    Args:
        folder: Of the export, which has ended.
        written: Folders that are of this one.
    """
    wholes = {folder / BUNDLE: others_than_listed}
    wholes |= {folder / GENAI_FOLDER / one.value: others_than_listed for one in GenaiPrecision}
    wholes |= {path: _others_in_checkpoint for path in _checkpoints(folder, MergedPrecision, Quantization)}
    for path, others in wholes.items():
        if path not in written:
            _remove_own(path, others)


def _remove_own(folder: Path, others: Callable[[Path], Sequence[str]]) -> None:
    """Remove the files of a folder that slimtune wrote, and folders that have no others."""
    if folder.is_symlink() or not folder.is_dir():
        return
    kept = {folder / name for name in others(folder)}
    inside = sorted(folder.rglob("*"), reverse=True)
    for path in inside:
        if path not in kept and not path.is_dir():
            path.unlink()
    remove_empty([*(path for path in inside if path.is_dir()), folder])


def _places(folder: Path, config: OnnxExport) -> Iterator[_Place]:
    is_own = _is_report(folder / REPORT)
    for inside in (Path(BUNDLE), *(Path(GENAI_FOLDER, one.value) for one in config.genai)):
        yield _Place(folder / inside, others_than_listed)
    for path in _checkpoints(folder, config.merged, config.bitsandbytes):
        yield _Place(path, _others_in_checkpoint)
    for name in (FP32, *(one.value for one in config.variants), SCRATCH):
        yield _Place(folder / name, _others_than_graphs if is_own else _all)
    for name in (REPORT, PICTURE):
        yield _Place(folder / name, _nothing if is_own else _all)


def _checkpoints(folder: Path, merged: Iterable[MergedPrecision], few_bits: Iterable[Quantization]) -> list[Path]:
    """Folders of transformers."""
    wholes = [folder / MERGED_FOLDER / one.value for one in merged]
    return wholes + [folder / BITSANDBYTES_FOLDER / one.value for one in few_bits]


def _is_report(path: Path) -> bool:
    try:
        reports: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(reports, list) and all(isinstance(one, dict) and "metric_drop" in one for one in reports)


def _others_in_checkpoint(folder: Path) -> list[str]:
    patterns = TRANSFORMERS if (folder / "config.json").is_file() else ()
    return _but(folder, lambda name: any(fnmatch(name, pattern) for pattern in patterns))


def _others_than_graphs(folder: Path) -> list[str]:
    return _but(folder, lambda name: any(fnmatch(name, pattern) for pattern in GRAPHS))


def _all(path: Path) -> list[str]:
    return _but(path, lambda _: False)


def _nothing(_: Path) -> list[str]:
    return []


def _but(path: Path, is_own: Callable[[str], bool]) -> list[str]:
    """Files of a folder but its own ones, by their paths in it; a file or a link in its place is one itself."""
    if path.is_symlink() or path.is_file():
        return [path.name]
    files = sorted(one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
    return [name for name in files if not (is_own(name) or Path(name).name in LITTER)]


def _shown(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (one of {len(names)} files)"


def _check_source(folder: Path, config: OnnxExport, option: str, source: Path) -> None:
    if not source.exists():
        return
    places = [place.path.resolve() for place in _places(folder, config)]
    if folder.resolve() == source.resolve() or any(source.resolve().is_relative_to(place) for place in places):
        raise ModelError(f"{folder} is where {option} {source} lies, which is read; export into another folder")
