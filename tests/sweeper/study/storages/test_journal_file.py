"""What a journal outlives."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from optuna.storages.journal import JournalFileSymlinkLock

from slimtune.sweeper.study import load_study_trials
from slimtune.sweeper.study.storages.journal_file import JournalFile, open_journal
from slimtune.sweeper.study.storages.journal_lock import MachineLock
from slimtune.training.errors import StoreError


def test_half_a_line_of_a_killed_writer_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "study.log"
    open_journal(path).create_new_study([1], "first")  # type: ignore[list-item]
    with path.open("a") as file:
        file.write('{"op_code": 0, "study_na')
    open_journal(path).create_new_study([1], "second")  # type: ignore[list-item]
    assert [study.study_name for study in open_journal(path).get_all_studies()] == ["first", "second"]


def hold_and_die(path: Path) -> None:
    MachineLock(path).acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    """Optuna's own would be waited for."""
    path = tmp_path / "study.log"
    path.touch()
    killed = multiprocessing.get_context("spawn").Process(target=hold_and_die, args=(path,))
    killed.start()
    killed.join()
    assert Path(f"{path}.lock").is_symlink()
    lock = MachineLock(path)
    lock.grace_period = None
    assert lock.acquire()
    lock.release()
    assert not Path(f"{path}.lock").is_symlink()


def test_other_programs_of_optuna_wait_for_it(tmp_path: Path) -> None:
    path = tmp_path / "study.log"
    path.touch()
    lock = MachineLock(path)
    lock.acquire()
    assert os.readlink(JournalFileSymlinkLock(str(path))._lock_file) == str(path)
    lock.release()


def test_lines_within_are_written_at_once(tmp_path: Path) -> None:
    journal = JournalFile(tmp_path / "study.log")
    with journal.together():
        journal.append_logs([{"a": 1}])
        journal.append_logs([{"b": 2}])
        assert list(journal.read_logs(0)) == []
    assert list(journal.read_logs(0)) == [{"a": 1}, {"b": 2}]


def test_who_reads_alone_makes_no_file(tmp_path: Path) -> None:
    for storage in (f"journal:///{tmp_path / 'typo.log'}", f"sqlite:///{tmp_path / 'typo.db'}"):
        with pytest.raises(StoreError, match="there is no file"):
            load_study_trials(storage, "x")
    assert list(tmp_path.iterdir()) == []
