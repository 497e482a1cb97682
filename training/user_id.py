"""Who runs this process."""

import getpass
import os


def user_name() -> str:
    """The user's name; the number where the system has no name for it, as in many a container."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):
        return str(user_id())


def user_id() -> int:
    """The user's number; 0 on Windows, which numbers nobody, neither here nor as the owner of a file."""
    number: int = getattr(os, "getuid", lambda: 0)()
    return number
