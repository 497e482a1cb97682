"""What `slimtune compare` is given: sweeps, or two runs."""

import re
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from slimtune.export.registry.model_uri import MODELS_URI
from slimtune.training.errors import StoreError
from slimtune.training.listed_names import with_commas
from slimtune.training.usual_places import STUDY_FILE, home_path

REPAIR = (
    "compare names of sweeps, or two runs, e.g. slimtune compare outputs/tone/trials/0 outputs/tone/trials/1, each by "
    "a trial's folder or the run's id"
)
PART_OF_ID = re.compile("(?=.*[0-9])[0-9a-f]{6,31}")


def are_runs(words: Sequence[str], outputs: Path) -> bool:
    """Whether two runs are named, and not sweeps; a sweep of the same name goes first.

    Raises:
        StoreError: Neither can be meant.
    """
    from slimtune.sweeper.reporting.run_record import names_a_run

    _check_not_models(words)
    sweeps = [word for word in words if _is_sweep(word, outputs)]
    runs = [word for word in words if word not in sweeps and names_a_run(word)]
    rest = [word for word in words if word not in (*sweeps, *runs)]
    cut = [word for word in rest if PART_OF_ID.fullmatch(word)]
    if cut or (runs and rest):
        raise StoreError(f"'{(cut or rest)[0]}' is neither a sweep's name nor a run's id of 32 signs; {REPAIR}")
    if runs and sweeps:
        raise StoreError(f"'{sweeps[0]}' is a sweep, and '{runs[0]}' is a run; {REPAIR}")
    if runs and len(words) != 2:
        what = "one run" if len(words) == 1 else f"{len(words)} runs"
        raise StoreError(f"{with_commas(words)}: {what}; {REPAIR}")
    return bool(runs)


def _is_sweep(word: str, outputs: Path) -> bool:
    return any((folder / STUDY_FILE).is_file() for folder in (home_path(word), outputs / word))


def _check_not_models(words: Sequence[str]) -> None:
    model = next((word for word in words if word.startswith(MODELS_URI)), None)
    if model is not None:
        name = re.split("[/@]", model.removeprefix(MODELS_URI))[0]
        raise StoreError(
            f"'{model}' is a version of a registered model, and sweeps or runs are compared here; slimtune promote "
            f"{quote(model)} --data rows.csv --dry-run sets it beside the champion on labelled rows, and slimtune "
            f"history {quote(name)} tells of the versions"
        )
