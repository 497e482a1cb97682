"""What launchers log of the workers that they start."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.plugins.launcher import Launcher

JOB = re.compile(r"\s*#\d+ : ")
# beside the module of the class, where the plugins of Hydra launch
CORE = "_core"


@contextmanager
def told_as_workers(launcher: Launcher) -> Iterator[None]:
    """Hydra's launchers tell each job by its overrides. Those of a worker only make a config whole; its trials have
    values of their own. Several launches may be under way in threads of their own.

    Args:
        launcher: Whose lines are meant.
    """

    def told(record: logging.LogRecord) -> bool:
        if isinstance(record.msg, str) and (job := JOB.match(record.msg)):
            record.msg, record.args = f"{job[0]}a worker", ()
        return True

    module = type(launcher).__module__
    loggers = [logging.getLogger(name) for name in (module, f"{module.rpartition('.')[0]}.{CORE}")]
    for logger in loggers:
        logger.addFilter(told)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(told)
