"""Ctrl-C that Python drops: raised in a finalizer or a callback of a weak reference, it would end nothing."""

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# the main thread has left the finalizer by then; if it is in another one, that drops it and it is given once more
AGAIN_SECONDS = 0.01


@contextmanager
def dropped_interrupts_given_again() -> Iterator[None]:
    """Within it no Ctrl-C is lost: what a finalizer drops the main thread hears a moment later."""
    before = sys.unraisablehook

    def hear(dropped: "UnraisableHookArgs") -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            again = threading.Timer(AGAIN_SECONDS, interrupt_main)
            again.daemon = True
            again.start()
        else:
            before(dropped)

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = before


def interrupt_main() -> None:
    """What Ctrl-C does."""
    if hasattr(signal, "pthread_kill"):
        # which also wakes a main thread that waits
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
