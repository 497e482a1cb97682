from pathlib import Path

import pytest

from slimtune.export.evaluation.find_model import check_row_files, find_bundle_or_checkpoint
from slimtune.training.errors import DataError, ModelError


@pytest.mark.parametrize("file", ["slimtune.json", "manifest.json"])
def test_rows_have_to_be_there_but_for_a_reader_of_the_models_own(tmp_path: Path, file: str) -> None:
    """Only that reader knows what the name means, e.g. a table."""
    (tmp_path / file).write_text('{"config": {"data": {"reader": "mine.rows_of"}}}')
    check_row_files("table:phrases", tmp_path)
    (tmp_path / file).write_text('{"config": {"data": {"reader": null}}}')
    with pytest.raises(DataError, match="table:phrases: no such file"):
        check_row_files("table:phrases", tmp_path)


def test_a_checkpoint_is_found_in_its_trials_folder(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint-84"
    checkpoint.mkdir()
    (checkpoint / "slimtune.json").write_text("{}")
    assert find_bundle_or_checkpoint(str(tmp_path), None) == checkpoint


def test_the_nearest_sweep_may_be_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs" / "mood").mkdir(parents=True)
    (tmp_path / "outputs" / "mood" / "study.db").touch()
    with pytest.raises(ModelError, match="did you mean 'mood'"):
        find_bundle_or_checkpoint("mood2", None)


def test_what_is_neither_a_folder_nor_a_run_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="neither a folder nor a run"):
        find_bundle_or_checkpoint("nosuch", None)
    assert list(tmp_path.iterdir()) == []
