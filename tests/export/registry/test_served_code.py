"""The code that goes with a registered version."""

from pathlib import Path
from zipfile import ZipFile

import slimtune
from slimtune.export.registry.served_code import code_files


def test_the_archive_has_the_whole_package_and_is_the_same_one_again() -> None:
    """MLflow takes equal files for equal."""
    with code_files() as first, code_files() as second:
        archive, loader = map(Path, first)
        assert archive.read_bytes() == Path(second[0]).read_bytes()
        names = set(ZipFile(archive).namelist())
        assert compile(loader.read_text(), str(loader), "exec")
    assert not archive.exists()
    assert {"slimtune/__init__.py", "slimtune/export/registry/pyfunc.py", "slimtune/conf/config.yaml"} <= names
    assert not any("__pycache__" in name for name in names)
    assert Path(slimtune.__file__).parent.name == "slimtune"
