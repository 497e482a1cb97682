"""The worker processes that joblib keeps: begun while the sweep is checked, ended once nothing needs them."""

import logging
import math
import signal
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from filelock import FileLock
from omegaconf import DictConfig

from slimtune.sweeper.search.launchers.plugins import JOBLIB, fitting, launcher_class
from slimtune.training.hardware.threads import free_cores

# what a worker imports before its first trial
PARTS = ("slimtune.sweeper.search.worker", "slimtune.training.worker.run", "slimtune.training.tracking.mlflow_runs")

log = logging.getLogger(__name__)


class KeptProcesses:
    """Of one sweep; without joblib as its launcher there are none.

    Args:
        config: The sweep's composed config.
        num_workers: How many it launches at once.

    Attributes:
        is_kept: Whether there are any.
    """

    def __init__(self, config: DictConfig, num_workers: int) -> None:
        self._config, self._num_workers = config, num_workers
        self.is_kept = launcher_class(config) == JOBLIB and num_workers > 1
        self._turns: TemporaryDirectory[str] | None = None

    def begin(self) -> None:
        """Start them, and have them import what they will need, as many at once as leave a core to this process."""
        at_once = min(self._num_workers, free_cores() - 1)
        if self.is_kept and at_once > 0:
            self._turns = TemporaryDirectory(prefix="slimtune-", ignore_cleanup_errors=True)
            turns = [Path(self._turns.name, f"{index % at_once}.lock") for index in range(self._num_workers)]
            # its end is not waited for: a launch goes on where it is
            Thread(target=self._import_parts, args=(turns,), daemon=True).start()

    def _import_parts(self, turns: Sequence[Path]) -> None:
        from joblib import Parallel, delayed

        config = fitting(self._config, num_workers=self._num_workers).hydra.launcher
        # as the plugin calls it: by the same settings a launch finds the processes again
        settings = {**config, "backend": "loky"}
        settings.pop("_target_")
        try:
            Parallel(**settings)(delayed(import_parts)(PARTS, turn) for turn in turns)
        except (RuntimeError, OSError, ValueError, ImportError) as error:
            # a launch meets the same, and tells it; or they were ended meanwhile
            log.debug("workers were not begun ahead (%s)", error)

    def end(self) -> None:
        """End them where they are: to take apart what they have loaded takes seconds, and their memory is wanted."""
        if self.is_kept:
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor(reuse=True, kill_workers=True).shutdown(wait=True, kill_workers=True)
        if self._turns is not None:
            self._turns.cleanup()


def import_parts(parts: Sequence[str], turn: Path) -> None:
    """Import the modules, in a process of their own, once nobody else has that turn.

    Loky takes what a process has after its first task for all that it needs, and ends one that has 300 MB more after a
    later one: that first task would be this one, and a model is no leak.
    """
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = math.inf
    # a terminal interrupts this process too, which is the launching one's for as long as it lives
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with FileLock(turn):
        for part in parts:
            import_module(part)
