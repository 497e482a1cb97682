"""Files behind a name: itself, all in a folder, or all that match a pattern."""

import glob
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from slimtune.training.data.readers.formats import READERS_BY_ENDING, ending_of
from slimtune.training.data.readers.saved_datasets import saved_files
from slimtune.training.errors import DataError
from slimtune.training.package_path import package_file
from slimtune.training.usual_places import home_path

log = logging.getLogger(__name__)

# names of files that come with data and are no rows of it
ABOUT_THE_DATA = ("readme", "license", "licence", "notice", "citation", "changelog", "dataset_info", "dataset_infos")
# where they lie
TERMINALS = ("/dev/pts/", "/dev/tty", "/dev/console")


def files_of(name: str) -> list[Path]:
    """The files that `name` stands for, sorted by path.

    A folder stands for all files below it and a pattern (`*`, `?`, `[...]`, `**`) for the files that match, as far as
    their endings are known; how many are not is logged. Hidden files and folders are left out, and so are READMEs and
    licences in a folder; links to folders are not followed. A folder of `save_to_disk` stands for its rows. A file of
    just that name goes before a pattern.

    Raises:
        DataError: There is no such file, or none with a known ending, or it is a device.
    """
    path = _path_of(name)
    if path.is_dir():
        saved = saved_files(path)
        if saved is not None:
            return saved
        return _known(_rows_only(_below(path)), name=name)
    if path.exists():
        _check_no_device(name, path)
        return [path]
    if glob.has_magic(name):
        return _known((Path(match) for match in glob.iglob(str(path), recursive=True)), name=name)
    raise _missing(name, path)


def shown_names(name: str, files: Sequence[Path]) -> list[str]:
    """What to call the files behind a name: a file as it was named, those of a folder or a pattern by their paths."""
    return [name] if list(files) == [_path_of(name)] else [str(path) for path in files]


def check_there(name: str) -> None:
    """Look for the file or folder, without reading it; what a pattern matches is not looked for.

    Raises:
        DataError: There is none, or it is a device.
    """
    path = _path_of(name)
    if not (path.exists() or glob.has_magic(name)):
        raise _missing(name, path)
    _check_no_device(name, path)


def _check_no_device(name: str, path: Path) -> None:
    """What has no end; a terminal has one, when a person says so."""
    is_device = path.is_char_device() or path.is_block_device()
    if is_device and not str(path.resolve()).startswith(TERMINALS):
        raise DataError(f"{name} is a device, which has no rows; name a file, or a folder of files")


def _path_of(name: str) -> Path:
    try:
        return home_path(package_file(name))
    except FileNotFoundError as error:
        raise DataError(f"{error}") from None


def _missing(name: str, path: Path) -> DataError:
    return DataError(f"{name}: no such file (looked in {path.absolute().parent}); check the path")


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_unreadable):
        folders[:] = [inner for inner in folders if not inner.startswith(".")]
        yield from (Path(parent, file) for file in files if not file.startswith("."))


def _rows_only(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if path.name.partition(".")[0].lower() not in ABOUT_THE_DATA)


def _unreadable(error: OSError) -> NoReturn:
    raise DataError(f"{error.filename}: cannot be read ({error.strerror}); check the folder's rights") from None


def _known(paths: Iterable[Path], *, name: str) -> list[Path]:
    files = [path for path in paths if path.is_file()]
    known = sorted(path for path in files if ending_of(path) in READERS_BY_ENDING)
    if not known:
        raise DataError(f"{name}: no file there ends in {', '.join(sorted(READERS_BY_ENDING))}; check the name")
    if len(known) < len(files):
        log.info("%s: %d of %d files are skipped for their ending", name, len(files) - len(known), len(files))
    return known
