"""What can be looked at of files, rows and model while the config has problems, so that all of it is told together."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from slimtune.training.broken_files import refused_place
from slimtune.training.config.sound_sections import SoundSections, sound_sections
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.readers.reader import check_sources, needs_no_hub
from slimtune.training.errors import ConfigError, DataError, UserError, found_by, raise_all
from slimtune.training.models.place import check_place

FILES = ("train_file", "validation_file", "test_file")


def refuse(problems: Sequence[str], values: Mapping[str, Any], unsure: Collection[str] = ()) -> None:
    """Tell what is wrong with a config, with all that can be seen beside it.

    Args:
        problems: Those of the config; with none, nothing is looked at.
        values: Its plain values.
        unsure: Sections that are not what the user meant: a key or an option of them is not known.

    Raises:
        ConfigError: The problems of the config; the look at rows and model is its `rest`.
        Problems: There are others that are seen at once.
    """
    if problems:
        _raise([ConfigError(problems)], values, unsure)


def check_files(values: Mapping[str, Any]) -> None:
    """Look for the files of the data, as far as our own readers read them; if all are there, none is opened.

    Raises:
        UserError: One is missing; with what can be seen beside that.
    """
    if found_by(_file_checks(sound_sections(values))):
        _raise([], values, ())


def _raise(errors: Sequence[UserError], values: Mapping[str, Any], unsure: Collection[str]) -> None:
    """These, with files and the model's place, for which nothing heavy is imported; then rows and model."""
    found = sound_sections({name: None if name in unsure else section for name, section in values.items()})
    missing = found_by(_file_checks(found))
    nowhere = found_by([partial(check_place, found.model)]) if found.model is not None else []
    looks = list(_slow_looks(found, has_model=not nowhere))
    raise_all([*errors, *missing, *nowhere], rest=partial(found_by, looks) if looks else None)


def _slow_looks(found: SoundSections, *, has_model: bool) -> Iterator[Callable[[], object]]:
    """At rows and model, if both may be there."""
    if found.task is None or found.data is None or not _can_be_read(found.data):
        return
    yield partial(_check_rows, found.config)
    if found.model is not None and has_model:
        yield partial(_check_base, found.config)


def _file_checks(found: SoundSections) -> Iterator[Callable[[], object]]:
    data = found.data
    if data is not None and data.reader is None:
        yield from (partial(check_sources, name) for key in FILES if (name := getattr(data, key)) is not None)


def _can_be_read(data: Any) -> bool:
    """Whether there is a file, and none is to be fetched."""
    names = [name for key in FILES if (name := getattr(data, key)) is not None]
    missing = found_by(partial(check_sources, name) for name in names)
    return data.reader is not None or (all(map(needs_no_hub, names)) and len(missing) < len(names))


def _check_rows(config: TrialConfig) -> None:
    # torch comes with the tasks
    from slimtune.training.tasks.rows import check_rows_of

    try:
        check_rows_of(config)
    except OSError as error:
        raise DataError(refused_place(error) or f"a file cannot be read: {error}") from None


def _check_base(config: TrialConfig) -> None:
    from slimtune.training.workbench.sound_part import check_base

    check_base(config, knows_method=config.method is not None)
