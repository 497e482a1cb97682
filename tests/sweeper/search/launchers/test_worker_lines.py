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
