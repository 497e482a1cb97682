"""Rows of a split on the Hugging Face hub."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slimtune.training.data.readers.class_labels import with_names
from slimtune.training.data.readers.row import Row
from slimtune.training.errors import DataError
from slimtune.training.extras import needs
from slimtune.training.hub_connection import why_unreachable
from slimtune.training.usual_places import home_path

HUB_SCHEME = "hub:"

_FORM = re.compile(r"hub:(?P<repository>\w[\w.-]*/\w[\w.-]*)(:(?P<config>[^:@]+))?@(?P<split>[^@]+)")

# what to do, by the kind of error that `datasets` raises; the first kind that fits
_REPAIRS: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionError, "go online once, the split is then cached (HF_HUB_OFFLINE forbids it)"),
    (FileNotFoundError, "check the name; if it is private or gated, ask for access and run `hf auth login`"),
    (ValueError, "use a config and a split that it has"),
    (RuntimeError, "code that comes with data is not run; save the rows as Parquet"),
    (Exception, "load it by hand to see more: datasets.load_dataset(...)"),
)


def rows_of_hub(name: str) -> Iterator[Row]:
    """The rows of `hub:<owner>/<name>[:<config>]@<split>`; the split may be cut, e.g. `train[:4096]`.

    The split is downloaded once to the cache of `datasets` and mapped from there, not held in memory. The token of a
    private data set is the one of `hf auth login` or HF_TOKEN. Class labels, stored as ids, come as their names, the
    ids beside them as `<column>_id`.

    Raises:
        DataError: The name has another form, or the split cannot be had.
    """
    form = _form_of(name)
    loaded = _loaded(form["repository"], form["config"], form["split"], name=name)
    named = {column: names for column, feature in loaded.features.items() if (names := _label_names(feature))}
    yield from with_names(loaded, named)


def check_hub_name(name: str) -> None:
    """Whether a split may be had: the name has the form, and the hub is in reach or something was downloaded before.

    Raises:
        DataError: It may not; `datasets` is not imported to see that.
    """
    repository = _form_of(name)["repository"]
    unreachable = None if _was_downloaded(repository) else why_unreachable()
    if unreachable is not None:
        raise _out_of_reach(name, unreachable)


def _form_of(name: str) -> re.Match[str]:
    form = _FORM.fullmatch(name)
    if form is None:
        raise DataError(f"{name}: not a hub name; use hub:<owner>/<name>[:<config>]@<split>, e.g. hub:org/tones@train")
    if Path(form["repository"]).exists():
        # `datasets` would read it in place of the hub, and say nothing
        raise DataError(f"{name}: there is a local '{form['repository']}' too; drop 'hub:' to read it, or move it away")
    return form


def _was_downloaded(repository: str) -> bool:
    """Whether there is anything of a data set in the caches of `datasets` or of its hub's client."""
    from huggingface_hub import constants

    prepared = home_path(os.environ.get("HF_DATASETS_CACHE") or os.path.join(constants.HF_HOME, "datasets"))
    fetched = Path(constants.HF_HUB_CACHE) / f"datasets--{repository.replace('/', '--')}"
    # the name's second part is written in another way there
    return fetched.exists() or any(prepared.glob(f"{repository.partition('/')[0]}___*"))


def _out_of_reach(name: str, why: str) -> DataError:
    return DataError(f"{name}: cannot be loaded ({why}); {_REPAIRS[0][1]}")


def _label_names(feature: Any) -> list[str] | None:
    """The names of a column of class labels, or of a column of lists of them."""
    import datasets

    inner = getattr(feature, "feature", feature)
    return list(inner.names) if isinstance(inner, datasets.ClassLabel) else None


def _loaded(repository: str, config: str | None, split: str, *, name: str) -> Any:
    needs("datasets", needed_for=name)
    import datasets

    unreachable = why_unreachable()
    try:
        # no code of the repository: datasets < 4 ran it if told to, and asked if told nothing
        with _from_cache(unreachable is not None):
            return datasets.load_dataset(repository, config, split=split, trust_remote_code=False)
    except Exception as error:  # noqa: BLE001  # the errors of its HTTP client come through, whichever that is
        repair = next(text for kind, text in _REPAIRS if isinstance(error, kind))
        if unreachable and isinstance(error, ConnectionError):
            raise _out_of_reach(name, unreachable) from None
        raise DataError(f"{name}: cannot be loaded ({_reason(error)}); {repair}") from None


@contextmanager
def _from_cache(is_offline: bool) -> Iterator[None]:
    """Takes what was downloaded before, if the hub is out of reach; its client would try for long."""
    import datasets
    from huggingface_hub import constants

    if not is_offline:
        yield
        return
    before = constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


def _reason(error: Exception) -> str:
    """First line of the innermost cause, with nothing in it that looks like a token."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    line = next(iter(str(error).splitlines()), "").rstrip(". ")
    return re.sub(r"hf_[\w.-]{16,}", "hf_***", f"{type(error).__name__}: {line}")
