import os
import sys

import pytest

from slimtune.export.commands.terminal_text import broken_at_blanks, print_below, print_sentence

TEXT = "accuracy 0.33 against the champion's 0.40 on 178 rows in /a/path-with/hyphens-and-slashes, not better"


@pytest.mark.parametrize(("columns", "is_broken"), [(80, True), (160, False)])
def test_on_a_terminal_further_lines_begin_below_the_text(
    columns: int, is_broken: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Paths stay whole."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((columns, 24)))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_below("refused  ", TEXT)
    first, *more = capsys.readouterr().out.splitlines()
    assert first.startswith("refused  accuracy")
    assert bool(more) is is_broken
    assert all(line.startswith(" " * 9) and line[9] != " " and len(line) <= columns for line in more)
    assert is_broken is False or "/a/path-with/hyphens-and-slashes," in " ".join(more).split()


def test_elsewhere_it_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_below("refused  ", TEXT)
    assert capsys.readouterr().out == f"refused  {TEXT}\n"


def test_a_narrow_terminal_has_the_text_on_lines_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((44, 24)))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_below("2026-11-29 16:00 UTC  champion  2        1       ", "it is better on 178 rows by 0.04 of accuracy")
    assert capsys.readouterr().out.splitlines() == [
        "2026-11-29 16:00 UTC  champion  2        1",
        "  it is better on 178 rows by 0.04 of",
        "  accuracy",
    ]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (20, ["short", "  label: team (also", "    possible:", "    channel,", "    a-name-that-is-longer-than-that)"]),
        (80, ["short", "  label: team (also possible: channel, a-name-that-is-longer-than-that)"]),
    ],
)
def test_lines_are_broken_between_words_alone(
    columns: int, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "short\n  label: team (also possible: channel, a-name-that-is-longer-than-that)"
    assert broken_at_blanks(text, sys.stdout) == text
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((columns, 24)))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert broken_at_blanks(text, sys.stdout).split("\n") == lines


def test_the_meaning_of_a_word_goes_on_below_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the commands of the help text; elsewhere a line stays one."""
    text = "usage: slimtune\n  translate  what others have written into what is meant"
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    assert broken_at_blanks(text, sys.stdout) == text
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert broken_at_blanks(text, sys.stdout).splitlines() == [
        "usage: slimtune",
        "  translate  what others have written",
        "             into what is meant",
    ]


def test_a_result_is_broken_between_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal; a pipe has it on one line."""
    print_sentence(TEXT)
    assert capsys.readouterr().out == f"{TEXT}\n"
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_sentence(TEXT)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert " ".join(lines).split() == TEXT.split()
    assert max(map(len, lines)) <= 40
