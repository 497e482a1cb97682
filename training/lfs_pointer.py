"""Files that Git LFS has not fetched: a pointer of three lines stands in their place."""

from collections.abc import Iterable
from pathlib import Path

MARK = b"version https://git-lfs"
# a pointer is smaller; what is larger is not opened
MOST_BYTES = 1024


def unfetched(paths: Iterable[Path]) -> Path | None:
    """The first of the files that is a pointer."""
    return next((path for path in paths if path.is_file() and _is_pointer(path)), None)


def said_of_unfetched(path: Path) -> str:
    """What an error says of a pointer, and what to do."""
    return (
        f"{path.name} is a pointer of Git LFS, not the file itself; fetch that, in a shell: "
        "git lfs install && git lfs pull"
    )


def _is_pointer(path: Path) -> bool:
    if path.stat().st_size > MOST_BYTES:
        return False
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK
