"""Code of the user's own that is called here: whatever it raises is one message."""

import copy
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from slimtune.training.broken_files import text_of_error
from slimtune.training.config.dotted_path import imported
from slimtune.training.config.near_names import nearest_name
from slimtune.training.errors import ConfigError, SlimtuneError, is_out_of_memory
from slimtune.training.listed_names import with_commas

# columns of a row that a message lists
MOST_NAMED = 12
# what nothing can be changed in
PLAIN = (str, int, float, bool, type(None))
# the folder of code that calls what is named, and is no place to repair
TRAINING = Path(__file__).resolve().parents[1]


class OwnRow(dict[str, Any]):
    """A dict, but for what it says of a column that it lacks."""

    def __missing__(self, column: object) -> NoReturn:
        error = KeyError(column)
        error.add_note(_columns_said(column, list(map(str, self))))
        raise error


@contextmanager
def own_code(said: str, more: Callable[[Exception], str] = lambda _: "") -> Iterator[None]:
    """Around a call of code that the config names.

    Args:
        said: Key and callable, as a message begins, e.g. `task.loss._target_ is 'mine.Loss', which`.
        more: What is to be known for its repair, by what it raised; empty if nothing is.

    Raises:
        ConfigError: It raised something; what slimtune itself raises on purpose, and memory that is too small, pass.
    """
    try:
        yield
    except Exception as error:
        # any: it is the code of somebody else
        if isinstance(error, SlimtuneError) or is_out_of_memory(error):
            raise
        parts = (type(error).__name__, text_of_error(error, 300), *getattr(error, "__notes__", ()), more(error))
        told = ": ".join(part for part in parts if part)
        raise ConfigError([f"{said} fails{_place(error)} ({told}); repair it"]) from error


def own_copy(value: Any) -> Any:
    """A value for code of the user's own: whatever is changed in it, lists within lists too, the data stays as it is.

    Args:
        value: A cell, or a row, which is copied cell by cell.
    """
    if type(value) in PLAIN:
        return value
    if isinstance(value, Mapping):
        return {name: own_copy(cell) for name, cell in value.items()}
    return copy.deepcopy(value)


def own_row(row: Mapping[str, Any]) -> OwnRow:
    """A row for code of the user's own: whatever is changed in it, the data stays as it is."""
    return OwnRow(own_copy(row))


def own_part(settings: Mapping[str, Any], key: str, noun: str) -> Callable[..., Any]:
    """What `{_target_: <dotted path>, ...}` names: a function, or what one or a class makes of the other entries.

    Args:
        settings: As the config has them.
        key: Where they stand, e.g. `task.loss`.
        noun: What is to be named, as a message says it.

    Raises:
        ConfigError: It cannot be imported or made, or cannot be called.
    """
    arguments = {str(name): value for name, value in settings.items() if name != "_target_"}
    target = settings["_target_"]
    made: Callable[..., Any] = imported(target, said=f"{key}._target_ is")
    try:
        found = made(**arguments) if isinstance(made, type) or arguments else made
    except Exception as error:
        # any: it is the code of somebody else
        given = f"; one that it does not take goes by ~{key}.{next(iter(arguments))}" if arguments else ""
        raise ConfigError([f"{key}._target_ is '{target}', which cannot be made ({error}){given}"]) from error
    if not callable(found):
        gave = f"gave {found!r:.80}, no {noun}"
        what = gave if arguments or isinstance(made, type) else "is no function and no module"
        raise ConfigError([f"{key}._target_ is '{target}', which {what}; name a {noun}"])
    return found


def _place(error: Exception) -> str:
    """Where it was raised, the last of the frames that are no library's and not slimtune's."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    outside = [frame for frame in frames if "site-packages" not in frame.filename and "<frozen" not in frame.filename]
    own = [frame for frame in outside if not Path(frame.filename).resolve().is_relative_to(TRAINING)]
    return f" at {own[-1].filename}:{own[-1].lineno}" if own else ""


def _columns_said(column: object, known: list[str]) -> str:
    near = nearest_name(column, known) if isinstance(column, str) else None
    more = f" and {len(known) - MOST_NAMED:,} more" if len(known) > MOST_NAMED else ""
    return f"the row has {with_commas(known[:MOST_NAMED])}{more}" + (f"; did you mean '{near}'?" if near else "")
