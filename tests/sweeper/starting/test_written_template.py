"""A template of the file's own columns stands in what `slimtune init` writes, to be taken."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from slimtune.sweeper.checks import problems_of
from slimtune.sweeper.config_file import with_config_file
from slimtune.sweeper.config_values import plain
from tests.conftest import write_jsonl
from tests.sweeper.starting.test_first_config import written
from tests.sweeper.starting.test_guess import OTHERS, TEXTS, cycled, rows_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_store_as_before: None) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_template_of_the_files_own_columns_stands_there_to_be_taken() -> None:
    """For tasks that take one; as it is written it is one that every command takes."""
    columns = {"todo": cycled("Do it", "Write it"), "said": TEXTS, "command": OTHERS}
    write_jsonl(Path("rows.jsonl"), rows_of(**columns))
    names = ("--data", "rows.jsonl", "--text-column", "said", "--target-column", "command")
    written(*names, "--task", "generation")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    line = '  # text_template: "{todo}\\n{said}\\n{command}"\n'
    assert line in text
    assert "text_column is not read then" in text
    Path("mine.yaml").write_text(text.replace(line, line.replace("# ", "")), encoding="utf-8")
    with initialize_config_module("slimtune.conf", version_base="1.3"):
        config = plain(compose("config", with_config_file(["--config", "mine.yaml"])))
    assert problems_of(config) == []
    assert config["data"]["text_template"] == "{todo}\n{said}\n{command}"
