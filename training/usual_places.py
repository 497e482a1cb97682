"""Where things lie under the working directory if nothing else is said, and what they are called there; and at home."""

import os
from pathlib import Path

from slimtune.training.errors import UserError

# sweeps by their names, as conf/config.yaml has it
OUTPUTS = Path("outputs")
# in the folder of each: its study, its page, what was told of its rows
STUDY_FILE, PAGE_FILE, DATA_REPORT_FILE = "study.db", "report.html", "data_report.json"
# in it too: where its runs lie
PLACE_FILE = "tracker.json"
# the file that makes a folder a checkpoint; named here, since whoever looks for one need not import torch
RECORD = "slimtune.json"
# the store of runs and registered models, with the sign that a URL has on any system
STORE = "mlruns/mlflow.db"
# of an option of a command that names another one
USUAL_STORE = f"default: MLFLOW_TRACKING_URI, else {STORE}"


def at_home(name: str) -> str:
    """The path of a file or a folder, where `~` is the person's own folder: in `--out=~/x` no shell says so.

    `~name` of nobody is a path like any other, as it is to a shell.

    Raises:
        UserError: There is no such folder.
    """
    path = os.path.expanduser(name)
    if path == name and (name == "~" or name.startswith("~/")):
        raise UserError(f"{name}: nobody's folder is known for ~; set HOME, or give the path from / on")
    return path


def home_path(name: str) -> Path:
    """The same as a path.

    Raises:
        UserError: As above.
    """
    return Path(at_home(name))


def sweeps_under(folder: Path) -> list[str]:
    """Names of the sweeps that lie in a folder, those that have a study; in order."""
    return sorted(found.parent.name for found in folder.glob(f"*/{STUDY_FILE}"))


def last_checkpoint(folder: Path) -> Path | None:
    """The folder itself, if it is a checkpoint, or the last one in a trial's folder; None where there is none."""
    if (folder / RECORD).is_file():
        return folder
    found = [path.parent for path in folder.glob(f"checkpoint-*/{RECORD}")]
    numbered = [path for path in found if path.name.removeprefix("checkpoint-").isdigit()]
    return max(numbered, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)
