"""What launchers log of the workers that they start."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra.plugins.launcher import Launcher

JOB = re.compile(r"\s*#\d+ : ")


@contextmanager
def told_as_workers(launcher: Launcher) -> Iterator[None]:
    """Hydra's launchers tell each job by its overrides. Those of a worker only make a config whole; its trials have
    values of their own.

    Args:
        launcher: Whose lines are meant, those of all modules of its package.
    """
    before = logging.getLogRecordFactory()
    package = type(launcher).__module__.rpartition(".")[0]

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        made = before(*args, **more)
        is_its = made.name.startswith(package) and isinstance(made.msg, str)
        if is_its and (job := JOB.match(made.msg)):
            made.msg, made.args = f"{job[0]}a worker", ()
        return made

    logging.setLogRecordFactory(record)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)
