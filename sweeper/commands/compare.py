"""`slimtune compare`: the trials of a sweep as a table or as JSON."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimtune.sweeper.campaigns.named_sweep import named_sweep

if TYPE_CHECKING:
    from slimtune.sweeper.study import TrialRecord


def run(arguments: Sequence[str]) -> int:
    """Print the trials of a sweep, the best first.

    Raises:
        StoreError: There is no such sweep.
    """
    options = _parser().parse_args(arguments)
    found = named_sweep(options.sweep, outputs=Path(options.outputs), storage=options.storage)
    from slimtune.sweeper.study import load_study_trials

    loaded = load_study_trials(found.storage, found.name)
    if options.json:
        print(json.dumps([_plain(trial) for trial in loaded.trials], indent=1))
        return 0
    from rich.console import Console

    from slimtune.sweeper.reporting.live_table import trial_table

    ranked = loaded.ranked()
    best = ranked[0].number if ranked else None
    rest = [trial for trial in loaded.trials if trial not in ranked]
    Console().print(trial_table([*ranked, *rest], best_number=best, title=f"sweep {found.name}"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slimtune compare", description=__doc__)
    parser.add_argument("sweep", help="the sweep's name (search.name)")
    parser.add_argument("--json", action="store_true", help="a JSON list, one object a trial")
    parser.add_argument("--outputs", default="outputs", help="folder of the sweeps (default: outputs)")
    parser.add_argument("--storage", help="URL of the study, if search.storage was set")
    return parser


def _plain(trial: "TrialRecord") -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state.value,
        "kind": trial.kind,
        "objective": trial.objective,
        "params": dict(trial.params),
        "run_id": trial.run_id,
        "seconds": trial.seconds,
    }
