"""A folder of results that is a file, or lies in one, is refused with a sentence wherever it is named."""

from pathlib import Path

import pytest

from slimtune.export.adapters.export import _check_output
from slimtune.sweeper.cli import main
from slimtune.training.errors import StoreError
from slimtune.training.writable_folder import check_writable


@pytest.mark.parametrize("inside", [".", "below", "far/below"])
def test_a_file_in_the_way_is_named(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"--output is .*, but .*/file is a file; take another folder, or move the"):
        check_writable(tmp_path / "file" / inside, "--output")


@pytest.mark.parametrize("flags", [[], ["--config-dir=."]])
def test_a_trial_is_refused_before_hydra_makes_its_folder(
    overrides: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert main(["train", *flags, *overrides, "hydra.run.dir=file/run"]) == 2
    assert "hydra.run.dir is" in (said := capsys.readouterr().err)
    assert "Traceback" not in said


def test_an_export_below_a_file_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["export", "--run", str(tmp_path), "--out", f"{tmp_path}/file/out"]) == 2
    assert "file is a file" in capsys.readouterr().err
    with pytest.raises(StoreError, match=r"--output is .*file is a file"):
        _check_output(tmp_path / "file" / "out")


def test_a_cache_that_is_a_file_is_told_once(
    overrides: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert main(["train", *overrides, "data.cache_dir=file"]) == 2
    assert capsys.readouterr().err.count("data.cache_dir is") == 1
