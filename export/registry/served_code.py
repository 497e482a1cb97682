"""slimtune's own code as two files of a registered version: a server needs no slimtune, and not 800 downloads."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import slimtune

# what MLflow imports from the version's folder of code
LOADER_MODULE = "slimtune_served"
ARCHIVE = "slimtune.zip"
LOADER = f'''"""Finds slimtune in the archive beside this file, and opens the model with it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "{ARCHIVE}"))

from slimtune.export.registry.pyfunc import _load_pyfunc  # noqa: E402, F401
'''


@contextmanager
def code_files() -> Iterator[list[str]]:
    """The archive and the module that opens it, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="slimtune-code-") as folder:
        archive, loader = Path(folder) / ARCHIVE, Path(folder) / f"{LOADER_MODULE}.py"
        _pack(Path(slimtune.__file__).parent, archive)
        loader.write_text(LOADER, encoding="utf-8")
        yield [str(archive), str(loader)]


def _pack(package: Path, archive: Path) -> None:
    """The whole package; of the same files the archive is the same one."""
    with ZipFile(archive, "w", ZIP_DEFLATED) as packed:
        # the rooms of a checkout are links
        for folder, inner, names in os.walk(package, followlinks=True):
            inner[:] = sorted(name for name in inner if name != "__pycache__")
            for name in sorted(names):
                path = Path(folder) / name
                place = ZipInfo((Path(package.name) / path.relative_to(package)).as_posix())
                place.compress_type = ZIP_DEFLATED
                packed.writestr(place, path.read_bytes())
