"""A sweep by its name or its folder, whatever its state."""

from pathlib import Path
from typing import NamedTuple

from slimtune.sweeper.search_config import study_url
from slimtune.sweeper.storage_url import checked
from slimtune.training.config.schema import suggestion
from slimtune.training.errors import StoreError
from slimtune.training.tracking.uri import without_password
from slimtune.training.user_id import user_id
from slimtune.training.usual_places import STUDY_FILE, home_path, sweeps_under


class NamedSweep(NamedTuple):
    """Where a sweep is.

    Attributes:
        name: Of its study.
        storage: The study's.
        folder: Of the sweep on this machine, absolute; it may not be there if the storage is elsewhere.
    """

    name: str
    storage: str
    folder: Path


def named_sweep(given: str, *, outputs: Path, storage: str | None) -> NamedSweep:
    """The sweep that is meant.

    Args:
        given: Its name, or its folder.
        outputs: Where the folders of sweeps lie.
        storage: URL of the study, if `search.storage` was set; then what is given is a name.

    Raises:
        StoreError: There is none; the nearest name is told.
    """
    if (storage := checked(storage)) is not None:
        from slimtune.sweeper.study.loaded import sweep_names

        known = sweep_names(storage)
        if given not in known:
            raise StoreError(f"there is no sweep '{given}' in {without_password(storage)}; {_known(given, known)}")
        return NamedSweep(given, storage, _folder_of(given, outputs=outputs, storage=storage))
    for folder in (home_path(given), outputs / given):
        if (folder / STUDY_FILE).is_file():
            from slimtune.sweeper.study.loaded import study_name_in

            folder = folder.absolute()
            return NamedSweep(study_name_in(study_url(folder), folder.name), study_url(folder), folder)
    if home_path(given).is_dir():
        raise StoreError(
            f"{given} is no sweep's folder: it has no {STUDY_FILE}; give the folder or the name of a sweep, and for a "
            "study elsewhere its name with --storage"
        )
    # a path says itself where it lies
    place = outputs / given if Path(given).name == given else home_path(given)
    told = _known(place.name, sweeps_under(place.parent))
    raise StoreError(f"there is no sweep '{place.name}' in {place.parent.absolute()}; {told}")


def _folder_of(name: str, *, outputs: Path, storage: str) -> Path:
    """Where it would lie by its name, or where it was begun: an app of one's own has a `hydra.sweep.dir` of its own."""
    from slimtune.sweeper.study.loaded import load_study_attrs
    from slimtune.sweeper.study.record import FOLDER

    usual = (outputs / name).absolute()
    noted = load_study_attrs(storage, name).get(FOLDER)
    if noted is None or usual.is_dir():
        return usual
    folder = Path(noted)
    # a storage that others write to leads to nobody else's folder, whose command would be given
    is_own = folder.is_dir() and folder.stat().st_uid == user_id()
    return folder if is_own else usual


def _known(given: str, known: list[str]) -> str:
    near = suggestion(given, known) if known else "known: none"
    return f"{near} (one that was begun just now is there once its data and model are checked)"
