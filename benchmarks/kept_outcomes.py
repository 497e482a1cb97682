"""What searches of a benchmark have missed, kept in a file so that it goes on where it was stopped."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """What a search has missed after 25, 50, 100 trials, in points, and its share of all training."""

    missed: Sequence[float]
    share: float


class KeptOutcomes:
    """Outcomes by settings, in a file of lines, if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.is_file() else []
        self._known = {key: Outcome(*outcome) for key, outcome in map(json.loads, lines)}

    def or_run(self, key: str, run: Callable[[], Outcome]) -> Outcome:
        """What is known, or what is found out now."""
        if key not in self._known:
            self._known[key] = outcome = run()
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([key, outcome]) + "\n")
        return self._known[key]
