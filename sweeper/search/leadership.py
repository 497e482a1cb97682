"""The order in which the launching processes of a sweep do what is theirs."""

from typing import Protocol

from slimtune.sweeper.search.beginning import check_goals
from slimtune.sweeper.search.stopping import check_stop
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.liveness.launcher import Launcher


class Part(Protocol):
    """What a campaign does between its first check and its end."""

    def lead(self) -> None:
        """What is done once before the first trial, and again by whoever takes over."""

    def check_joining(self) -> None:
        """Whether this process has the same sweep as the one that leads."""

    def run_trials(self) -> None:
        """Launch workers until the search is over."""

    def run_beside(self) -> None:
        """Take part in what the one that leads trains after the search; called now and then until it has left."""

    def say(self, line: str) -> None:
        """Tell a person."""


def search_in_turn(study: Study, own: Launcher, part: Part) -> None:
    """As the one that leads, or beside it once it has begun; this process leads when it comes back.

    Args:
        study: The sweep's.
        own: This process among those of the sweep.
        part: What the campaign does.

    Raises:
        StoreError: The sweep is led with other objectives or constraints.
        SweepStopped: Somebody has stopped it.
    """
    lead = own.joined()
    if lead is None:
        part.lead()
    else:
        part.check_joining()
        check_goals(study)
        part.say(f"the sweep is led by {lead}: this process joins it with workers of its own")
    part.run_trials()
    if not own.leads:
        told = "the search is done; {} does the rest: waiting for it"
        own.wait_to_lead(lambda other: part.say(told.format(other)), part.run_beside)
        check_stop(study)
        part.lead()
        # what the one that led may have left, e.g. of its workers that died with it
        part.run_trials()
