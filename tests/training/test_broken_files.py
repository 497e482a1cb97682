"""What is wrong with a file is said in plain words."""

import errno
import json
from pathlib import Path

import pytest
from safetensors import safe_open

from slimtune.training.broken_files import BROKEN, fault_of, read_object, refused_place, text_of_error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b'{"a": "text of', "it ends in the middle, at line 1"),
        (b'{\n"a": 1,', "it ends in the middle, at line 2"),
        (b"<html></html>", "it is no JSON at line 1"),
        (b"\xff\xfe{}", "it is no text in UTF-8"),
        (b"[1]", "it holds no object in braces"),
        (b"null", "it holds no object in braces"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number in it is too long"),
    ],
)
def test_a_broken_file_is_told_without_the_words_of_a_library(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "one.json").write_bytes(content)
    with pytest.raises(BROKEN) as broken:
        read_object(tmp_path / "one.json")
    assert fault_of(broken.value) == said


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "it is a folder"), (tmp_path / "none", "it is not there")):
        with pytest.raises(OSError, match="Errno") as broken:
            read_object(path)
        assert fault_of(broken.value) == said


@pytest.mark.parametrize(("content", "said"), [(b"", "it is cut off"), (b"x" * 99, "it is no safetensors file")])
def test_broken_weights_are_told(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "one.safetensors").write_bytes(content)
    with pytest.raises(Exception, match="header") as broken, safe_open(tmp_path / "one.safetensors", "pt"):
        pass
    assert fault_of(broken.value) == said


def test_values_of_another_kind_are_told() -> None:
    assert fault_of(KeyError("labels")) == "it lacks 'labels'"
    for error in (TypeError("'NoneType' object is not iterable"), AttributeError("no attribute"), IndexError("out")):
        assert fault_of(error) == "a value in it is of another kind than it should be"
    assert fault_of(ValueError("its 'r' is 0")) == "its 'r' is 0"
    assert json.dumps(fault_of(ValueError("a\nb"))) == '"a b"'


@pytest.mark.parametrize(
    ("most", "said"),
    [(11, "one two six"), (10, "one two ..."), (7, "one two ..."), (6, "one ..."), (2, "on ...")],
)
def test_a_long_error_is_cut_between_words(most: int, said: str) -> None:
    assert text_of_error(ValueError("one\n two six"), most) == said


def test_a_path_that_may_not_be_used_is_told_with_what_helps() -> None:
    told = refused_place(PermissionError(errno.EACCES, "Permission denied", "/secret/rows.csv"))
    assert told == "/secret/rows.csv: this user may not use it; check its rights and those of the folders around it"
    assert (refused_place(OSError(errno.EIO, "Input/output error")) or "").startswith(
        "a file that is read or written: "
    )


def test_other_errors_of_the_system_are_none_of_a_path() -> None:
    """A port may not be taken either, and what is not there has sentences of its own."""
    assert refused_place(PermissionError(errno.EACCES, "Permission denied")) is None
    assert refused_place(FileNotFoundError(errno.ENOENT, "No such file", "rows.csv")) is None
    assert refused_place(OSError("a library's own")) is None
