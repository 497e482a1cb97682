"""The command that `slimtune resume` gives again."""

import json
import shutil
from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.recorded_command import (
    FILE,
    RecordedCommand,
    _is_secret,
    _program_of,
    check_own_folder,
    read_command,
    record_command,
)
from slimtune.training.errors import StoreError
from tests.cases.sweep_requests import FILE as GIVEN
from tests.cases.sweep_requests import RequestOf, request_of
from tests.sweeper.campaigns.test_find_sweep import begun

__all__ = ["request_of"]


def test_overrides_come_again_with_more_trials(request_of: RequestOf) -> None:
    """What is said anew takes the place of what was said."""
    request = request_of("search.n_trials=4", "hydra/launcher=joblib", "fit.epochs=2")
    record_command(request)
    command = read_command(request.folder)
    words = command.words(["search.num_workers=2"], n_trials=40)
    assert words[:2] == ["slimtune", "sweep"]
    assert set(words[2:]) >= {*GIVEN, "fit.epochs=2", "search.num_workers=2", "search.n_trials=40"}
    assert "search.n_trials=4" not in words
    assert command.left_out == []
    assert command.is_of(request.folder)
    assert not command.is_of(request.folder / "moved")


def test_a_programs_own_command_is_split_before_its_overrides() -> None:
    argv = ["/usr/bin/python", "app.py", "-m", "hydra/sweeper=slimtune", "x=interval(0,1)"]
    assert _program_of(argv, ["hydra/sweeper=slimtune", "x=interval(0,1)"]) == (argv[:2], argv[2:])
    argv = ["/usr/bin/python", "-m", "package.app", "-m", "x=1,2"]
    assert _program_of(argv, ["x=1,2"]) == (argv[:3], argv[3:])
    command = RecordedCommand(argv[:3], ["-m", "hydra.sweeper.n_trials=3"], [], "hydra.sweeper.n_trials", "", "", "")
    assert command.words(n_trials=5) == [*argv[:3], "-m", "hydra.sweeper.n_trials=5"]


@pytest.mark.parametrize(
    ("word", "is_secret"),
    [
        ("db.password=abc", True),
        ("+hub.token=hf_abc", True),
        ("hf_token=abc", True),
        ("app={api_key: abc}", True),
        ("search.storage='postgresql://me:abc@host/db'", True),
        ("search.storage=postgresql://me@host/db", False),
        ("db.password=${oc.env:PASSWORD}", False),
        ("task.max_new_tokens=20", False),
        ("task.pad_token=x", False),
        ("method.num_virtual_tokens=8", False),
    ],
)
def test_what_may_be_a_secret_is_not_kept(word: str, is_secret: bool) -> None:
    assert _is_secret(word) == is_secret


def test_a_command_that_is_not_there_or_broken_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no .*command\.json.*give it again"):
        read_command(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({"words": []}))
    with pytest.raises(StoreError, match="is broken"):
        read_command(tmp_path)


def test_a_sweep_does_not_write_over_the_trials_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither into a copied folder under the copy's name, nor into a copy while the sweep itself is still there."""
    monkeypatch.chdir(tmp_path)
    begun(tmp_path)
    folder, copy = tmp_path / "mine", tmp_path / "copy"
    check_own_folder(tmp_path / "new", "new")
    check_own_folder(folder, "mine")
    command = RecordedCommand([], [], [], "search.n_trials", str(tmp_path), str(folder), "")
    (folder / FILE).write_text(json.dumps(command._asdict()))
    shutil.copytree(folder, copy)
    with pytest.raises(StoreError, match=r"has the trials of the sweep 'mine', .*; take another search\.name"):
        check_own_folder(copy, "copy")
    with pytest.raises(StoreError, match=r"is a copy of the one in .*mine, which is still there"):
        check_own_folder(copy, "mine")
    shutil.rmtree(folder)
    check_own_folder(copy, "mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is broken: it is empty; give the sweep's command again"),
        ('{"program": []}', "is broken: it lacks 'overrides'"),
        ('{"overrides": "fit.epochs=2"}', "its 'overrides' is \"fit.epochs=2\", and not a list of which each is text"),
        ('{"odd": 1}', "it has 'odd', which this version of slimtune does not know"),
    ],
)
def test_a_command_that_is_broken_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StoreError) as refused:
        read_command(tmp_path)
    assert f"{tmp_path / FILE} " in str(refused.value)
    assert said in str(refused.value)
