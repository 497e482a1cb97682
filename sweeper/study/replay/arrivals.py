"""Which trials have ended since somebody last looked: of those that he knows nothing changes any more."""

from collections.abc import Sequence
from typing import NamedTuple

from optuna.trial import FrozenTrial


class Arrived(NamedTuple):
    """What is not known yet.

    Attributes:
        ended: Trials that have ended since.
        others: Those that run or wait.
    """

    ended: list[FrozenTrial]
    others: list[FrozenTrial]


class Arrivals:
    """Looks at the trials of one study again and again, at each one that has ended once."""

    def __init__(self) -> None:
        self._ended: set[int] = set()
        # of all before, only these had not ended
        self._open: list[int] = []
        self._num_looked = 0

    def of(self, trials: Sequence[FrozenTrial]) -> Arrived:
        """Of all trials, which are never fewer than before, those that are new or had not ended."""
        fresh = [trial for trial in self._unsettled(trials) if trial.number not in self._ended]
        ended = [trial for trial in fresh if trial.state.is_finished()]
        self._ended.update(trial.number for trial in ended)
        return Arrived(ended, [trial for trial in fresh if not trial.state.is_finished()])

    def _unsettled(self, trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
        places = [*self._open, *range(self._num_looked, len(trials))]
        if len(trials) < self._num_looked or any(trials[place].number != place for place in places):
            # another process has begun some that were not read yet: places are no numbers
            return trials
        self._open = [place for place in places if not trials[place].state.is_finished()]
        self._num_looked = len(trials)
        return [trials[place] for place in places]
