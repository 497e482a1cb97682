"""A trial that is tried again in another folder: what the attempt before has written comes there, and a note stays."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from slimtune.training.atomic_files import folder_aside, remove_folder, write_json
from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.checkpoints.kinds import RECORD
from slimtune.training.usual_places import last_checkpoint

# in the folder of an attempt: where its trial went on, relative to it, since a project may be moved
NOTE, PLACE = "continued.json", "folder"
# checkpoints of `fit.save_steps`, in a trial's folder, by the number of their step
STEPS = "steps"


def note_continued(earlier: Iterable[Path], folder: Path) -> None:
    """Note in the folders of earlier attempts that the trial goes on in this one, which has no such note then."""
    for place in _others(earlier, folder):
        write_json(place / NOTE, {PLACE: os.path.relpath(folder, place)})
    (folder / NOTE).unlink(missing_ok=True)


def continued_in(folder: Path) -> Path | None:
    """The folder in which the trial of an attempt went on; None where that is not known, or it is gone."""
    try:
        place = Path(os.path.normpath(folder / read_object(folder / NOTE)[PLACE]))
    except BROKEN:
        return None
    return place if place.is_dir() else None


def taken_over(checkpoint: Path, folder: Path) -> Path:
    """A checkpoint of an earlier attempt in the trial's own folder; that attempt's stays until the trial has ended.

    Raises:
        OSError: It could not be written.
    """
    target = folder / checkpoint.name
    if checkpoint.absolute() == target.absolute():
        return checkpoint
    with folder_aside(target) as aside:
        shutil.copytree(checkpoint, aside, dirs_exist_ok=True, copy_function=_linked)
    return target


def take_over_steps(earlier: Iterable[Path], folder: Path) -> None:
    """The same of checkpoints that are kept whatever they score, those that the trial has not written itself."""
    for place in _others(earlier, folder):
        for step in _checkpoints(place / STEPS):
            if not (folder / STEPS / step.name).is_dir():
                taken_over(step, folder / STEPS)


def forget_taken(earlier: Iterable[Path], folder: Path) -> None:
    """Remove the checkpoints of earlier attempts in whose place the trial, which has ended, has its own."""
    for place in _others(earlier, folder):
        if last_checkpoint(folder) is not None:
            for old in _checkpoints(place):
                remove_folder(old)
        for step in _checkpoints(place / STEPS):
            if (folder / STEPS / step.name).is_dir():
                remove_folder(step)


def _others(earlier: Iterable[Path], folder: Path) -> list[Path]:
    return [place for place in earlier if place.is_dir() and place.absolute() != folder.absolute()]


def _checkpoints(folder: Path) -> list[Path]:
    return [record.parent for record in folder.glob(f"checkpoint-*/{RECORD}")]


def _linked(source: str, target: str) -> str:
    """A second name of a file, which is written once and never changed; a copy where the file system has no such."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
