"""A checkpoint's base that is recorded by a relative path is found from wherever a command is run."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.adapters.source import open_source
from slimtune.training.checkpoints.checkpoint import RECORD, open_checkpoint
from slimtune.training.checkpoints.recorded_base import found_base
from slimtune.training.config.model import ModelConfig
from slimtune.training.config.trial import parse_trial
from slimtune.training.config.trust import code_of
from slimtune.training.errors import ModelError, UntrustedError
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial

LOST = r"of .*checkpoint-\d+ is '.*m', and as a path it is relative to another folder.*in the project's folder, or put"


@pytest.fixture
def base(config_of: Callable[..., dict[str, Any]]) -> ModelConfig:
    return parse_trial(config_of("model.name_or_path=m")).section.model


def model_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


@pytest.mark.parametrize("name", ["m", "./m", "models/m", "../m"])
def test_the_nearest_folder_above_a_checkpoint_is_taken(
    name: str, base: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the command is given, there is none of the name."""
    elsewhere = tmp_path / "elsewhere" / "inside"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    project = tmp_path / "all" / "project"
    checkpoint = project / "outputs" / "s" / "trials" / "0" / "checkpoint-3"
    checkpoint.mkdir(parents=True)
    asked = replace(base, name_or_path=name)
    assert found_base(asked, checkpoint) == asked
    found = model_in(project / name)
    (checkpoint / name).mkdir(parents=True, exist_ok=True)
    assert Path(str(found_base(asked, checkpoint).name_or_path)) == found.resolve()


def test_what_is_here_or_is_no_relative_path_is_left(
    base: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_in(tmp_path / "project" / "m")
    model_in(tmp_path / "here" / "m")
    monkeypatch.chdir(tmp_path / "here")
    for name in ("m", "package:a/m", str(tmp_path / "none" / "m"), "~/m", None):
        asked = replace(base, name_or_path=name)
        assert found_base(asked, tmp_path / "project" / "checkpoint-1") == asked


def test_results_behind_a_link_have_both_of_its_ends_above_them(base: ModelConfig, tmp_path: Path) -> None:
    found = model_in(tmp_path / "project" / "m")
    (tmp_path / "disk" / "checkpoint-1").mkdir(parents=True)
    (tmp_path / "project" / "outputs").symlink_to(tmp_path / "disk")
    assert found_base(base, tmp_path / "project" / "outputs" / "checkpoint-1").name_or_path == str(found)
    (tmp_path / "link").symlink_to(tmp_path / "project" / "inside")
    (tmp_path / "project" / "inside" / "checkpoint-1").mkdir(parents=True)
    assert found_base(base, tmp_path / "link" / "checkpoint-1").name_or_path == str(found)


@pytest.fixture
def project(
    tiny_model: Path, tmp_path: Path, fake_trial: Callable[..., FakeTrial], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder of a trained adapter, whose base is `m` in it; commands are run elsewhere."""
    shutil.copytree(tiny_model, tmp_path / "m")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        outcome = run_trial(fake_trial("model.name_or_path=m", "method=lora", "fit.max_steps=1"))
        assert isinstance(outcome, Completed)
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def test_an_adapter_is_opened_from_another_folder(project: Path) -> None:
    """Alone and over a base that is named; with nothing at the place, the error says what the path is relative to."""
    (folder,) = (project / "trial").glob("checkpoint-*")
    opened = open_checkpoint(folder)
    assert opened.record.config["model"]["name_or_path"] == "m"
    assert opened.config.model.name_or_path == str(project / "m")
    opened.model()
    source = open_source("a", str(folder), base=opened.config.model)
    assert source.trained is not None
    source.trained.check_base(opened.config.model)
    (project / "m").rename(project / "gone")
    with pytest.raises(ModelError, match=LOST):
        open_checkpoint(folder).model()
    record = json.loads((folder / RECORD).read_text())
    record["config"]["model"]["name_or_path"] = "../m"
    (folder / RECORD).write_text(json.dumps(record))
    with pytest.raises(ModelError, match=LOST + r" the base there$"):
        open_checkpoint(folder).model()


def test_code_in_a_folder_is_not_trusted_by_a_name_of_the_hub(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's command named the one; the folder above a checkpoint came with it."""
    (folder,) = (project / "trial").glob("checkpoint-*")
    record = json.loads((folder / RECORD).read_text())
    record["config"]["model"]["trust_remote_code"] = True
    (folder / RECORD).write_text(json.dumps(record))
    own = parse_trial(record["config"]).section
    monkeypatch.setattr("slimtune.training.config.trust._own", {*code_of(own)})
    with pytest.raises(UntrustedError, match=str(project / "m")):
        open_checkpoint(folder)
    assert open_checkpoint(folder, trust=True).config.model.name_or_path == str(project / "m")
