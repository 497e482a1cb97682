"""Faults of YAML in plain words, with the lines that a person is to change."""

from pathlib import Path

import pytest
import yaml

from slimtune.sweeper.cli import main
from slimtune.sweeper.yaml_faults import yaml_fault

INDENTED = "the indentation differs from its neighbours'"
NOT_CLOSED = "a quote that is opened here is not closed"
FAULTS = [
    ("fit:\n  epochs: 3\n    batch_size: 4\n", 3, f"{INDENTED}: 4 blanks here, and 2"),
    ("fit:\n    epochs: 3\n  batch_size: 4\n", 3, f"{INDENTED}: 2 blanks here, and 4"),
    ("fit:\n  a:\n    b: 1\n   c: 1\n", 4, f"{INDENTED}: 3 blanks here, and 4"),
    (" fit:\n  a: 1\ndata: 2\n", 3, INDENTED),
    ("fit:\n\ta: 1\n", 2, "a tab stands where blanks belong"),
    ("fit:\n  epochs:3\n  batch_size: 4\n", 2, "a blank is missing after the colon of 'epochs:'"),
    ("fit:\n  epochs: 3\n  batch_size:4\nx: 1\n", 3, "a blank is missing after the colon of 'batch_size:'"),
    ('data:\n  name: "abc\n  text: 4\n', 2, NOT_CLOSED),
    ('data:\n  name: "abc\n  text: "x"\n', 2, NOT_CLOSED),
    ("data:\n  name: 'it's fine'\n", 2, "a text has its own quote"),
    ('data:\n  t: "a" b\n', 2, "something stands behind a quote that is closed"),
    ('data:\n  p: "C:\\data"\n', 2, "a backslash in double quotes"),
    ("data:\n  list: [a, b\n  text: c\n", 2, "a bracket that is opened here is not closed"),
    ("data:\n  name: a: b\n", 2, "a second colon"),
    ("data:\n  name: @x\n", 2, "a value cannot begin with @"),
    ("data:\n  x: *foo\n", 2, "a value that begins with * or ! takes quotes"),
    ("data:\n  name: a\n  - b\n", 3, "an item of a list"),
    ("- a\nb: 1\n", 2, "a key with a value stands among items of a list"),
    ("a: b\nfit\n", 2, "a key without a colon"),
]


@pytest.mark.parametrize(("text", "line", "what"), FAULTS)
def test_a_fault_has_its_line_its_cause_and_the_text_as_it_stands(text: str, line: int, what: str) -> None:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        yaml.safe_load(text)
    told = yaml_fault(caught.value, text)
    assert told.startswith(f"line {line}: no YAML that can be read: {what}")
    shown = text.splitlines()[line - 1].replace("\t", "\\t")
    assert f"\n      {line} | {shown}" in told
    assert "block mapping" not in told
    assert "<" not in told


COMMANDS = ("check --config mine.yaml", "check space=file space.path=mine.yaml", "import mine.yaml")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_reads_a_file_tells_it_so(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config_store_as_before: None,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("fit:\n    epochs: 3\n  batch_size: 4\n")
    assert main(command.split()) == 2
    error = capsys.readouterr().err
    assert f"line 3: no YAML that can be read: {INDENTED}" in error
    assert "\n      3 |   batch_size: 4" in error
