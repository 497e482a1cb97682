import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slimtune.training.data.readers.reader import read_with
from slimtune.training.errors import UserError

READERS = """
from collections import UserDict
from slimtune.training.errors import DataError

def pairs(name):
    for number in range(2):
        yield UserDict(text=name, label=str(number))

def refilled(name):
    row = {"words": []}
    for word in ("a", "b"):
        row["words"].clear()
        row["words"].append(word)
        yield row

def numbers(name):
    yield {}
    yield 5

def broken(name):
    yield {}
    raise KeyError("no such key")

def refuses(name):
    raise DataError(f"{name}: said so")

def nothing(name):
    pass

not_a_function = 5
"""


@pytest.fixture
def reader_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    (tmp_path / "my_readers.py").write_text(READERS)
    (tmp_path / "my_broken_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_readers", raising=False)
    return "my_readers.{}".format


def test_a_reader_of_ones_own_gives_rows(reader_module: Callable[[str], str]) -> None:
    """It is called with the name as it stands; mappings of any kind become rows."""
    rows = list(read_with(reader_module("pairs"), "s3://any/thing"))
    assert rows == [{"text": "s3://any/thing", "label": "0"}, {"text": "s3://any/thing", "label": "1"}]
    assert {type(row) for row in rows} == {dict}


def test_a_reader_may_fill_its_lists_again(reader_module: Callable[[str], str]) -> None:
    assert list(read_with(reader_module("refilled"), "in.xml")) == [{"words": ["a"]}, {"words": ["b"]}]


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        ("my_readers.numbers", "data.reader my_readers.numbers: row 2 of in.xml is 5; give mappings"),
        ("my_readers.broken", "data.reader my_readers.broken: fails on in.xml (KeyError: 'no such key')"),
        ("my_readers.nothing", "data.reader my_readers.nothing: fails on in.xml (TypeError: "),
        ("my_readers.refuses", "in.xml: said so"),
        ("my_readers.absent", "data.reader is 'my_readers.absent', but my_readers has no 'absent'"),
        ("my_readers.not_a_function", "data.reader is 'my_readers.not_a_function', which is no function"),
        ("my_absent_module.rows", "importing my_absent_module fails (ModuleNotFoundError"),
        ("my_broken_module.rows", "importing my_broken_module fails (ZeroDivisionError"),
        ("rows", "data.reader is 'rows'; use a dotted path"),
        ("my_readers.pairs()", "data.reader is 'my_readers.pairs()'; use a dotted path"),
        ("", "data.reader is ''; use a dotted path"),
    ],
)
def test_a_reader_that_does_not_work_is_named(reader_module: Callable[[str], str], reader: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        list(read_with(reader, "in.xml"))
