"""What is logged of the jobs that are workers."""

import logging

import pytest
from hydra._internal.core_plugins.basic_launcher import BasicLauncher

from slimtune.sweeper.search.launchers.worker_lines import told_as_workers

BASIC = logging.getLogger(BasicLauncher.__module__)


def test_a_worker_is_not_told_by_values_that_no_trial_has(caplog: pytest.LogCaptureFixture) -> None:
    """Only in the lines of jobs, and only while workers are launched."""
    caplog.set_level(logging.INFO)
    with told_as_workers(BasicLauncher()):
        BASIC.info("Launching 2 jobs locally")
        BASIC.info("\t#1 : ++x=-5.0 y=%d")
        logging.getLogger("another").info("\t#1 : ++x=-5.0")
    BASIC.info("\t#1 : ++x=-5.0")
    assert caplog.messages == ["Launching 2 jobs locally", "\t#1 : a worker", "\t#1 : ++x=-5.0", "\t#1 : ++x=-5.0"]


def test_launches_that_overlap_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """The one that began first ends first."""
    caplog.set_level(logging.INFO)
    first, second = told_as_workers(BasicLauncher()), told_as_workers(BasicLauncher())
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    BASIC.info("\t#1 : ++x=-5.0")
    second.__exit__(None, None, None)
    BASIC.info("\t#1 : ++x=-5.0")
    assert caplog.messages == ["\t#1 : a worker", "\t#1 : ++x=-5.0"]
