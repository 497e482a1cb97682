"""A sweep as commands are told it: the same words wherever a command to copy names one."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from slimtune.sweeper.search_config import study_url
from slimtune.sweeper.storage_url import absolute
from slimtune.training.tracking.uri import without_password
from slimtune.training.usual_places import OUTPUTS, STUDY_FILE

if TYPE_CHECKING:
    from slimtune.sweeper.search.request import SweepRequest


def sweep_words(name: str, folder: Path, storage: str | None = None) -> str:
    """What a command that is given in this working directory takes for a sweep, quoted for a shell.

    Its bare name where it lies in `outputs/` under that, else the path of its folder; of a study that lies elsewhere
    its name with `--storage`.

    Args:
        name: Of the study.
        folder: The sweep's.
        storage: URL of the study; None is that in the folder.
    """
    folder = folder.absolute()
    if storage is not None and absolute(storage) != study_url(folder):
        return f"{shlex.quote(name)} --storage {shlex.quote(without_password(storage))}"
    # a folder of the working directory itself is meant before one of the outputs
    is_hidden = (Path.cwd() / name / STUDY_FILE).is_file()
    is_usual = folder == Path.cwd() / OUTPUTS / name and not is_hidden
    return shlex.quote(name if is_usual else str(folder))


def words_of(request: "SweepRequest") -> str:
    """Those of the sweep that this process runs."""
    return sweep_words(request.search.config.name, request.folder, request.storage)
