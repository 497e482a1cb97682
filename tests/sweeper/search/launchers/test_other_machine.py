"""What a worker on another machine needs of that of the launching process."""

import os
import sys
from pathlib import Path

import pytest

from slimtune.sweeper.search.launchers.origin import Origin, origin_of
from slimtune.sweeper.search.launchers.other_machine import check_storage, enter
from slimtune.sweeper.study import Study
from slimtune.training.errors import StoreError
from tests.sweeper.study.specs import spec_of


def test_relative_paths_and_own_modules_are_those_of_the_launching_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray begins workers where the node was started."""
    monkeypatch.chdir("/")
    monkeypatch.setattr(sys, "path", [*sys.path])
    for _ in range(2):
        enter(str(tmp_path))
    assert Path.cwd() == tmp_path
    assert sys.path.count(str(tmp_path)) == 1


def test_a_folder_that_is_not_shared_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An app of one's own may do without."""
    enter(str(tmp_path / "gone"))
    assert "relative paths lead elsewhere on this machine" in caplog.text


def test_a_worker_begins_no_study_of_its_own(tmp_path: Path) -> None:
    """A file of the same name on another machine would be another study, whose trials nobody sees."""
    spec = spec_of(storage=f"sqlite:///{tmp_path / 'study.db'}")
    with pytest.raises(StoreError, match="does not reach the study 's'"):
        check_storage(spec)
    Study(spec)
    check_storage(spec)


def test_the_launching_machine_is_known_by_its_name() -> None:
    assert origin_of(1).is_this_machine
    assert not Origin(machine="another").is_this_machine
    assert origin_of(1).process == f"{os.uname().nodename}-{os.getpid()}"
