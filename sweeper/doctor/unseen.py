"""What cannot be looked at for want of a package: doctor is asked above all where something is missing."""

from collections.abc import Callable, Iterable

from slimtune.sweeper.doctor.finding import Finding, Grade
from slimtune.training.installation.plain_install import required_by_plain_install


def seen_or_not(name: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """The findings, or one that says which package they would take.

    Args:
        name: Of what is looked at.
        look: Gives them; what it needs is imported within.

    Raises:
        ModuleNotFoundError: A module is missing that slimtune does not require.
    """
    try:
        return list(look())
    except ModuleNotFoundError as error:
        package = required_by_plain_install(error)
        if package is None:
            raise
        return [Finding(name=name, told=f"cannot be told without {package}", grade=Grade.absent)]
