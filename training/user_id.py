"""Who runs this process."""

import os


def user_id() -> int:
    """The user's number; 0 on Windows, which numbers nobody, neither here nor as the owner of a file."""
    number: int = getattr(os, "getuid", lambda: 0)()
    return number
