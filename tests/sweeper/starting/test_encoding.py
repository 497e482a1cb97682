"""`slimtune init` for text files that are not UTF-8."""

from pathlib import Path

import pytest

from slimtune.sweeper.cli import main
from tests.sweeper.starting.test_first_config import here, written

__all__ = ["here"]


def test_rows_of_another_encoding_are_read_and_the_file_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    """As Excel writes them; without the flag the error names it."""
    lines = [f"schön, {number} mal;{'ab'[number % 2]}" for number in range(30)]
    Path("rows.csv").write_text("\n".join(["text;team", *lines]), encoding="cp1252")
    assert main(["init", "--data", "rows.csv", "--yes"]) == 2
    assert (
        "is not UTF-8; save the file as UTF-8, or name its encoding, e.g. --encoding cp1252" in capsys.readouterr().err
    )
    config = written("--data", "rows.csv", "--encoding", "cp1252", "--yes")
    assert (config.data.encoding, config.data.label_column) == ("cp1252", "team")
    with pytest.raises(SystemExit):
        main(["init", "--data", "rows.csv", "--encoding", "cp12521"])
    assert "Python knows no encoding 'cp12521'; use e.g. cp1252" in capsys.readouterr().err
