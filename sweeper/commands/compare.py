"""`slimtune compare`: the trials of a sweep as a table or as JSON."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slimtune.sweeper.commands.sweep_argument import add_sweep, sweep_of
from slimtune.training.atomic_files import json_text

if TYPE_CHECKING:
    from slimtune.sweeper.study import TrialRecord


def run(arguments: Sequence[str]) -> int:
    """Print the trials of a sweep, the best first.

    Raises:
        StoreError: There is no such sweep.
    """
    options = _parser().parse_args(arguments)
    found = sweep_of(options)
    from slimtune.sweeper.study import load_study_trials

    loaded = load_study_trials(found.storage, found.name)
    if options.json:
        print(json_text([_plain(trial, loaded.goals.names) for trial in loaded.trials], indent=1))
        return 0
    from rich.console import Console

    from slimtune.sweeper.reporting.live_table import trial_table
    from slimtune.sweeper.study.record import WINNER

    ranked = loaded.ranked()
    # of several, the sweep alone knows which one is picked
    picked = (loaded.attrs.get(WINNER) or {}).get("trial")
    best = picked if loaded.goals.several else next((trial.number for trial in ranked), None)
    rest = [trial for trial in loaded.trials if trial not in ranked]
    names, title = loaded.goals.shown, f"sweep {found.name}"
    Console().print(trial_table([*ranked, *rest], best_number=best, title=title, names=names))
    if loaded.goals.several:
        print("Pareto set: trials", ", ".join(str(trial.number) for trial in loaded.pareto()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slimtune compare", description=__doc__)
    add_sweep(parser)
    parser.add_argument("--json", action="store_true", help="a JSON list, one object a trial")
    return parser


def _plain(trial: "TrialRecord", names: Sequence[str]) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state.value,
        "feasible": trial.is_feasible,
        "kind": trial.kind,
        "objective": trial.objective,
        "values": {name: trial.measured[name] for name in names if name in trial.measured},
        "params": dict(trial.params),
        "run_id": trial.run_id,
        "seconds": trial.seconds,
    }
