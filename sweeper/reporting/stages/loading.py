"""That packages are being loaded, which takes seconds, and far more where none of them was loaded before."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from slimtune.sweeper.reporting.stages.stage_log import gap_seconds

IMPORTS, OWN = "<frozen importlib", "slimtune"


@contextmanager
def loading_told(write: Callable[[str], None], *, gap: Callable[[float], float] = gap_seconds) -> Iterator[None]:
    """While the block loads packages, say which, ever more seldom; at the first look that finds none it is over.

    Args:
        write: Gets each line, without its end.
        gap: Seconds until the next line, of those that have passed.
    """
    over = threading.Event()
    # a daemon: a process that ends meanwhile does not wait for it
    threading.Thread(target=_tell, args=[write, gap, over, threading.get_ident()], daemon=True).start()
    try:
        yield
    finally:
        over.set()


def loaded_package(thread: int) -> str | None:
    """The package that slimtune is importing in a thread, whatever that imports itself; None if it imports nothing."""
    return _imported_by(sys._current_frames().get(thread))


def _tell(write: Callable[[str], None], gap: Callable[[float], float], over: threading.Event, thread: int) -> None:
    began = time.monotonic()
    while not over.wait(gap(time.monotonic() - began)):
        package = loaded_package(thread)
        if package is None:
            return
        write(f"loads {package}, {time.monotonic() - began:,.0f} s")


def _imported_by(frame: FrameType | None) -> str | None:
    package, imports = None, False
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name == OWN:
            break
        imports = imports or frame.f_code.co_filename.startswith(IMPORTS)
        package = package if name in sys.stdlib_module_names or not name else name
        frame = frame.f_back
    return package if imports else None
