"""What a plain install of slimtune brings, by its own metadata, and what is said where a package of it is absent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires, version

from slimtune.training.errors import UserError
from slimtune.training.extras import is_installed

# by the name that is imported, where the package index has another name
INDEX_NAMES = {"hydra": "hydra-core", "sklearn": "scikit-learn", "yaml": "pyyaml"}


def required_packages() -> list[str]:
    """What slimtune requires whatever it is used for, as the package index calls it; nothing of an uninstalled copy."""
    try:
        lines = requires("slimtune") or []
    except PackageNotFoundError:
        return []
    # read by hand: what reads markers is a package that may be absent
    plain = [line for line in lines if "extra ==" not in line]
    return [_normal(found.group()) for line in plain if (found := re.match(r"[\w.-]+", line))]


def absent_packages() -> list[str]:
    """Those of them that are not installed."""
    return [name for name in required_packages() if not has_package(name)]


def required_by_plain_install(error: ModuleNotFoundError) -> str | None:
    """The required package that an import has not found; None if another module is missing.

    A package that is there without one of its modules is another matter: an install of it would mend nothing.
    """
    package = (error.name or "").partition(".")[0]
    name = _normal(INDEX_NAMES.get(package, package))
    return name if name in required_packages() and not is_installed(package) else None


def absent_sentence(error: ModuleNotFoundError, *, needed_for: str) -> str | None:
    """What to say of a failed import; None if no required package is absent.

    Args:
        error: Of the import.
        needed_for: What was to be done, as a person says it, e.g. `slimtune doctor`.
    """
    name = required_by_plain_install(error)
    if name is None:
        return None
    absent = {*absent_packages(), name}
    if len(absent) == 1:
        return f"{needed_for} needs {name}, which slimtune requires and is not installed here; pip install {name}"
    return (
        f"{needed_for} needs {name}, one of {len(absent)} packages of the whole of slimtune that are not installed "
        f"here; pip install slimtune brings them all, pip install {name} this one alone"
    )


@contextmanager
def told_if_absent(needed_for: str, *, instead: str) -> Iterator[None]:
    """An import of a required package that is absent is bad input.

    Args:
        needed_for: What the packages are needed for.
        instead: What works without them.

    Raises:
        UserError: One was not found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        sentence = absent_sentence(error, needed_for=needed_for)
        if sentence is None:
            raise
        raise UserError(f"{sentence}; {instead}") from error


def has_package(name: str) -> bool:
    """Whether a distribution is installed, by its name in the index."""
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
