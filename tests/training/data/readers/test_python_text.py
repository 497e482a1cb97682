import itertools
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from slimtune.training.data.readers import python_text
from slimtune.training.data.readers.python_text import read_python
from slimtune.training.data.readers.row import Row
from slimtune.training.errors import DataError

ALPHA = '''"""Counts things that come one after the other.

A counter starts at nought and each call adds one to it; it never goes back,
and two counters know nothing of each other."""


class Counter:
    """A docstring that is certainly longer than forty characters."""

    def step(self):
        """Short."""
'''
NESTED = '''try:
    if True:
        def inner():
            """A docstring below a condition below a try statement."""
except ImportError:
    pass
'''
LIBRARY = {
    "alpha.py": ALPHA,
    "folder/__init__.py": "",
    "folder/beta.py": '"""A docstring that is certainly longer than forty characters."""\n',
    "folder/broken.py": "print 'old'\n",
    "folder/latin.py": "# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n",
    "test/gamma.py": '"""Tests are skipped, however long their docstrings may be."""\n',
    "site-packages/delta.py": '"""Installed packages are skipped, whatever they are about."""\n',
    "_sysconfigdata_x.py": "build_time_vars = {}\n",
    "notes.txt": "not code\n",
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small standard library of our own."""
    for name, text in LIBRARY.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def summaries() -> list[Row]:
    return list(read_python("python:summaries"))


def test_sources_are_whole_files_without_tests_packages_and_build_data(library: Path) -> None:
    rows = list(read_python("python:sources"))
    assert [row["file"] for row in rows] == ["alpha.py", "folder/beta.py", "folder/broken.py", "folder/latin.py"]
    assert rows[0]["text"] == ALPHA
    assert "café" in rows[3]["text"]


def test_an_unreadable_file_is_skipped(library: Path) -> None:
    (library / "alpha.py").write_bytes(b"name = '\xff'\n")
    assert next(read_python("python:sources"))["file"] == "folder/beta.py"


def test_docstrings_carry_their_qualified_name_and_come_once(library: Path) -> None:
    """The module's own is first; the short one and the repeated one are left out."""
    assert [(row["name"], row["file"]) for row in read_python("python:docstrings")] == [
        ("alpha", "alpha.py"),
        ("alpha.Counter", "alpha.py"),
    ]


def test_a_summary_is_the_first_paragraph_and_its_text_the_rest(library: Path) -> None:
    (row,) = read_python("python:summaries")
    assert row["target"] == "Counts things that come one after the other."
    assert row["text"].startswith("A counter starts at nought")
    assert (row["name"], row["module"]) == ("alpha", "alpha")


def test_definitions_below_conditions_are_found(library: Path) -> None:
    (library / "alpha.py").write_text(NESTED)
    assert next(read_python("python:docstrings"))["name"] == "alpha.inner"


def test_real_summaries_keep_their_bounds(summaries: list[Row]) -> None:
    assert len(summaries) > 1000
    assert all(3 <= len(row["target"].split()) <= 25 and "\n" not in row["target"] for row in summaries)
    assert all(len(row["text"].split()) >= 15 for row in summaries)


def test_real_texts_come_once_and_in_the_same_order(summaries: list[Row]) -> None:
    assert list(itertools.islice(read_python("python:summaries"), 300)) == summaries[:300]
    assert len({row["text"] for row in summaries}) == len(summaries)


def test_real_docstrings_are_long_enough_and_come_once() -> None:
    rows = list(itertools.islice(read_python("python:docstrings"), 1000))
    assert min(len(row["text"]) for row in rows) >= 40
    assert len({row["text"] for row in rows}) == 1000


def test_real_sources_hold_no_tests() -> None:
    files = [row["file"] for row in itertools.islice(read_python("python:sources"), 400)]
    assert len(set(files)) == 400
    assert "abc.py" in files
    assert [file for file in files if {"test", "tests", "idle_test"} & set(file.split("/"))] == []


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"python:code: no such text .* python:docstrings, python:sources, python:summ"):
        read_python("python:code")


def test_a_python_without_sources_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "absent"))
    with pytest.raises(DataError, match=r"no \.py files in .*absent"):
        read_python("python:sources")


def test_reading_imports_nothing_of_what_it_reads() -> None:
    """`antigravity` opens a browser when it is imported; heavy libraries stay out as well."""
    code = (
        "import sys; from slimtune.training.data.readers.python_text import read_python; "
        "list(read_python('python:docstrings'));"
        "print(sorted({'antigravity', 'turtle', 'torch', 'numpy'} & set(sys.modules)))"
    )
    root = Path(python_text.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
