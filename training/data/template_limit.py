"""How long a model's own template may take for one chat: a foreign one may never end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jinja2 import TemplateError

# of one chat, on the processor; real templates take milliseconds
SECONDS_A_CHAT = 20.0
# whatever a template's own expressions raise, jinja2's sandbox among them: it refuses a long `range` as an overflow
TEMPLATE_FAULTS = (
    TemplateError,
    TypeError,
    AttributeError,
    ValueError,
    ArithmeticError,
    LookupError,
    MemoryError,
    RecursionError,
)


class EndlessTemplate(TemplateError):
    """A template was still writing one chat after `SECONDS_A_CHAT`."""


@contextmanager
def limited_template() -> Iterator[None]:
    """Ends a rendering that takes too long.

    The process's own time counts, so that a busy or sleeping machine ends nothing. Only a main thread can be ended so,
    and not on Windows; elsewhere there is no limit.

    Raises:
        EndlessTemplate: It took too long.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _end)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_A_CHAT)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)


def _end(*_: object) -> None:
    raise EndlessTemplate(f"it has not ended after {SECONDS_A_CHAT:g} seconds; mend its loops")
