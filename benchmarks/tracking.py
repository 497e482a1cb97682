"""What tracking costs a sweep: time on the thread that trains, what other threads compute for it, and how long the page
takes to open that comes of it.

python -m benchmarks.tracking --trials 200 --out benchmarks/reports/tracking.md
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.opened_page import COLUMNS, opened, row_of
from benchmarks.report import add_out, header, publish, table

# MiniLM on the tone data with adapters, a few steps each; slots off, so that each trial is tracked alone
STEPS = 4
SWEEP = ("experiment=tone", "export=none", "fit.slots=1", f"fit.max_steps={STEPS}", "search.name=tracked")
AFTER = ("search.finalists=1", "search.rerun_seeds=0", "hydra/launcher=basic", "search.num_workers=1")
MEASURED, PAGE = "measured.json", "outputs/tracked/report.html"
PLACES = {"training": "training thread", "beside": "other threads, processor"}
LEAST_SECONDS = 0.05


class Meter:
    """Seconds in calls that a sweep makes for tracking, by name; a call within another one counts once.

    Attributes:
        training: Wall seconds of the thread that trains.
        beside: Seconds that other threads computed.
    """

    def __init__(self) -> None:
        self.training, self.beside = Counter[str](), Counter[str]()
        self._within = threading.local()

    def watch(self, owner: type, *names: str) -> None:
        """Measure methods of a class."""
        for name in names:
            setattr(owner, name, self._watched(getattr(owner, name), f"{owner.__name__}.{name}"))

    def _watched(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(call)
        def watched(*given: Any, **named: Any) -> Any:
            if getattr(self._within, "call", False):
                return call(*given, **named)
            is_training = threading.current_thread() is threading.main_thread()
            seconds, clock = (self.training, time.perf_counter) if is_training else (self.beside, time.thread_time)
            self._within.call = True
            began = clock()
            try:
                return call(*given, **named)
            finally:
                seconds[name] += clock() - began
                self._within.call = False

        return watched


def main() -> None:
    """Run the sweep and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    add_out(parser)
    options = parser.parse_args()
    if options.within:
        _within(options.trials)
        return
    found = _measured(options.trials)
    rows = [
        [name, PLACES[place], f"{seconds:.2f}", _share(seconds, found)]
        for place in PLACES
        for name, seconds in sorted(found[place].items(), key=lambda item: -item[1])
        if seconds >= LEAST_SECONDS
    ]
    sums = [
        ["all", PLACES[place], f"{sum(found[place].values()):.2f}", _share(sum(found[place].values()), found)]
        for place in PLACES
    ]
    note = (
        f"{options.trials} trials of {STEPS} steps each, one worker, SQLite: {found['seconds']:.0f} seconds of search, "
        f"{found['cpu_seconds']:.0f} of the processor."
    )
    publish(
        [
            *header("What tracking costs", note),
            *table(("call", "where", "seconds", "of the search"), [*sums, *rows]),
            *table(COLUMNS, [found["page"]]),
        ],
        options.out,
    )


def _share(seconds: float, found: dict[str, Any]) -> str:
    return f"{100 * seconds / found['seconds']:.2f} %"


def _measured(num_trials: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "benchmarks.tracking", "--within", "--trials", str(num_trials)]
        places = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        subprocess.run(
            command, cwd=name, check=True, env=os.environ | {"PYTHONPATH": places}, stdout=subprocess.DEVNULL
        )
        found: dict[str, Any] = json.loads((Path(name) / MEASURED).read_text())
        page = Path(name) / PAGE
        return {**found, "page": row_of(page, opened(page))}


def _within(num_trials: int) -> None:
    from slimtune.sweeper.campaigns.tuning_run import TuningRun
    from slimtune.sweeper.cli import main as slimtune
    from slimtune.sweeper.report_page.refresh import PagePlace
    from slimtune.sweeper.reporting.parent_pages import ParentPages
    from slimtune.training.tracking.outbox_run import OutboxRun, Trackers
    from slimtune.training.tracking.reporter import Reporter

    meter, spent = Meter(), Counter[str]()
    meter.watch(Reporter, "__init__", "metrics", "tags", "write", "close", "join", "wait_until_open", "_write")
    meter.watch(Trackers, "opener")
    calls = ("log_points", "log_metrics", "log_params", "set_tags", "log_text", "log_file", "log_folder", "log_data")
    meter.watch(OutboxRun, *calls, "end")
    meter.watch(ParentPages, "write")
    meter.watch(PagePlace, "write")
    run_trials = TuningRun.run_trials

    def timed(self: TuningRun) -> None:
        began, cpu = time.perf_counter(), time.process_time()
        run_trials(self)
        spent["seconds"] += time.perf_counter() - began
        spent["cpu_seconds"] += time.process_time() - cpu
        Path(MEASURED).write_text(json.dumps({**spent, "training": meter.training, "beside": meter.beside}))

    TuningRun.run_trials = timed  # type: ignore[method-assign]
    code = slimtune(["sweep", *SWEEP, *AFTER, f"search.n_trials={num_trials}"])
    assert code == 0


if __name__ == "__main__":
    main()
