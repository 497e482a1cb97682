"""One thing that `slimtune doctor` has looked at."""

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Grade(Enum):
    """How a finding stands."""

    good = "good"
    # slimtune works without it
    absent = "absent"
    bad = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found.

    Attributes:
        name: What was looked at, in a word or two.
        told: What is there, in a line.
        grade: Whether that is enough.
        repair: What to do about it; None where nothing is to be done.
    """

    name: str
    told: str
    grade: Grade = Grade.good
    repair: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"grade": self.grade.value}
