"""Code of the user's own that is called here: whatever it raises is one message."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from slimtune.training.broken_files import text_of_error
from slimtune.training.errors import ConfigError, SlimtuneError, is_out_of_memory


@contextmanager
def own_code(said: str) -> Iterator[None]:
    """Around a call of code that the config names.

    Args:
        said: Key and callable, as a message begins, e.g. `task.loss._target_ is 'mine.Loss', which`.

    Raises:
        ConfigError: It raised something; what slimtune itself raises on purpose, and memory that is too small, pass.
    """
    try:
        yield
    except Exception as error:
        # any: it is the code of somebody else
        if isinstance(error, SlimtuneError) or is_out_of_memory(error):
            raise
        reason = text_of_error(error, 300)
        told = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        raise ConfigError([f"{said} fails{_place(error)} ({told}); repair it"]) from error


def _place(error: Exception) -> str:
    """Where it was raised, the last of the frames that are no library's."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "site-packages" not in frame.filename and "<frozen" not in frame.filename]
    return f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
