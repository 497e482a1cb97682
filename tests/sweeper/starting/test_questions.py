"""What `slimtune init` asks on a terminal, and what it takes for an answer."""

import io
import os
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from slimtune.sweeper.cli import main
from tests.conftest import write_jsonl
from tests.sweeper.starting.test_first_config import CALLS, PAIR, here
from tests.sweeper.starting.test_guess import REPEATED, TEXTS, cycled, rows_of

__all__ = ["here"]


def answered(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """A terminal on which these are typed."""
    answers = io.StringIO("".join(f"{line}\n" for line in lines))
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answers)


def test_the_label_that_means_alike_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(**PAIR, label=cycled("near", "far")))
    answers = io.StringIO("similarity\n\n\n\nnear\n\n\n\n")
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answers)
    assert main(["init", "--data", "rows.jsonl"]) == 0
    assert "label of pairs that are alike: far or near (--alike-label): " in capsys.readouterr().err
    assert "  alike_label: near\n" in Path("rows.yaml").read_text()


def test_columns_are_shown_before_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An ending in between shows which came first."""
    write_jsonl(Path("rows.jsonl"), rows_of(**CALLS))
    answered(monkeypatch, "rows.jsonl")
    assert main(["init"]) == 2
    assert "  team     3 names" in capsys.readouterr().out


def test_what_cannot_be_read_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each answer with what is wrong about it, the name of a file that is there too."""
    Path("taken.yaml").touch()
    write_jsonl(Path("rows.jsonl"), rows_of(**PAIR, label=cycled("near", "far"), team=cycled("c", "d", "e")))
    words = ["row.jsonl", "rows.jsonl", "simlarity", "similarity", "9", "a", "b", "labl", "label", "nera", "near"]
    answered(monkeypatch, *words, "", "0", "7", "taken", "mine")
    assert main(["init"]) == 0
    told = [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]
    asked = "\n".join(told)
    for said in (
        "no such file",
        "the task is 'simlarity'; did you mean 'similarity'?",
        "there is no column '9'; known: a, b, label, team",
        "there is no column 'labl'; did you mean 'label'?",
        "no pair has the label 'nera'; did you mean 'near'?",
        "the number of trials is '0'; use a whole number above 0",
        "taken.yaml is there already",
    ):
        assert said in asked
    assert "n_trials: 7" in Path("mine.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "pair"),
    [
        (("", ""), "b"),
        (("", "-"), None),
        # the other text is not put beside one that was chosen, and the same one is refused
        (("b", ""), None),
        (("b", "b", "a"), "a"),
    ],
)
def test_a_second_text_may_be_none_and_is_another_one(
    words: tuple[str, ...], pair: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(**PAIR, label=cycled("c", "d", "e")))
    answered(monkeypatch, "rows.jsonl", "classification", *words, "label", "", "7", "mine")
    assert main(["init"]) == 0
    asked = capsys.readouterr().err
    assert "column of the second text, - for none (--text-pair-column) [" in asked
    assert ("column 'b' is read as another part of the row already" in asked) == (words[1] == "b")
    assert OmegaConf.load("mine.yaml").data.get("text_pair_column") == pair


def test_five_answers_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty one takes what stands in brackets."""
    write_jsonl(Path("rows.jsonl"), rows_of(text=TEXTS, label=cycled("a", "b")))
    answers = io.StringIO("rows.jsonl\n\n\n\n\n7\nmine\n")
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", answers)
    assert main(["init"]) == 0
    asked = capsys.readouterr().err
    assert "language_modelling (--task) [classification]: " in asked
    assert "n_trials: 7" in Path("mine.yaml").read_text()


def test_an_empty_answer_where_nothing_is_guessed_is_told_what_may_be_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(Path("rows.jsonl"), rows_of(text=TEXTS, note=[[{}]] * 30))
    answered(monkeypatch, "", "rows.jsonl", "text", "", "note")
    assert main(["init", "--task", "generation", "--trials", "7", "--model", "own", "--name", "mine"]) == 0
    asked = capsys.readouterr().err
    assert "(--data):   nothing is guessed here; name one\n" in asked
    assert "column of the answer (--target-column):   nothing is guessed here; name one: note\n" in asked


@pytest.mark.parametrize(
    ("flags", "columns"),
    [
        ((), ("question", "answer")),
        (("--target-column", "question"), ("answer", "question")),
        (("--target-column", "note"), ("question", "note")),
        (("--text-column", "note"), ("note", "answer")),
        (("--text-column", "answer"), ("answer", "question")),
    ],
)
def test_a_task_that_is_named_is_given_its_columns(flags: tuple[str, ...], columns: tuple[str, str]) -> None:
    """Those that a flag names are not guessed for another part of the row."""
    write_jsonl(Path("rows.jsonl"), rows_of(question=TEXTS, answer=REPEATED, note=cycled("a b c", "d")))
    assert main(["init", "--data", "rows.jsonl", "--task", "generation", "--yes", *flags]) == 0
    data = OmegaConf.load("rows.yaml").data
    assert (data.text_column, data.target_column) == columns


def test_a_label_is_not_guessed_among_the_texts_that_flags_name() -> None:
    write_jsonl(
        Path("rows.jsonl"), rows_of(note=TEXTS, ask=REPEATED, reply=cycled("a b", "c", "d"), same=cycled("x", "y"))
    )
    flags = ("--task", "similarity", "--text-column", "ask", "--text-pair-column", "reply", "--alike-label", "x")
    assert main(["init", "--data", "rows.jsonl", "--yes", *flags]) == 0
    data = OmegaConf.load("rows.yaml").data
    assert (data.text_column, data.text_pair_column, data.label_column) == ("ask", "reply", "same")


def test_lines_are_broken_at_blanks_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Questions and choices; what is to be copied stays whole."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((50, 24)))
    write_jsonl(Path("rows.jsonl"), rows_of(**CALLS, **{name: cycled("a", "b") for name in ("unit", "city", "tone")}))
    answered(monkeypatch, "", "", "", "", "", "", "mine")
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert main(["init", "--data", "rows.jsonl", "--output", "a_config_with_a_long_name_for_copying_whole.yaml"]) == 0
    told, asked = capsys.readouterr()
    lines = [*told.splitlines()[:-2], *asked.replace("]: ", "]: \n").splitlines()]
    assert max(map(len, lines)) <= 50
    assert "task: classification, multi_label, extraction,\n  similarity, generation" in asked
    assert "label: tone (also possible: team, channel, unit,\n  city; --label-column team)" in told
    assert told.splitlines()[-2] == "written: a_config_with_a_long_name_for_copying_whole.yaml"
