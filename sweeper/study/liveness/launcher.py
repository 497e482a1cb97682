"""A launching process among those of its sweep."""

import time
from collections.abc import Callable
from types import TracebackType

from slimtune.sweeper.study.lease import Lease
from slimtune.sweeper.study.liveness.roster import Roster, StopRequest

POLL_SECONDS = 1.0


class Launcher:
    """This process; use it as a context. What is done once is done by the one that leads.

    Attributes:
        name: Of its lease, which its workers look at.
        leads: Whether it has begun as the one that leads.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster, self._lease = roster, Lease(roster)
        self.name, self.leads = self._lease.worker, False
        self._asked_before: StopRequest | None = None

    def __enter__(self) -> "Launcher":
        # asked of those that were there before
        self._asked_before = self._roster.stop_request()
        # a name in the line without a lease would be taken for dead
        self._lease.__enter__()
        self._roster.join(self.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lease.__exit__(kind, error, trace)

    def lead(self) -> str | None:
        """Who leads, if it is another one."""
        first = next(iter(self._roster.living()), self.name)
        return None if first == self.name else first

    def joined(self) -> str | None:
        """Who leads, once that one has begun; None if this process is to."""
        while (lead := self.lead()) is not None:
            if self._roster.begun_by() == lead:
                return lead
            time.sleep(POLL_SECONDS)
        return None

    def begun(self) -> None:
        """What the one that leads does before the first trial is done: others may join, whatever was asked before."""
        self.leads = True
        if self._roster.stop_request() == self._asked_before:
            self._roster.forget_stop()
        self._roster.begin(self.name)

    def wait_to_lead(self, tell: Callable[[str], object], meanwhile: Callable[[], object]) -> None:
        """Until all that came before have left; a wish to stop ends it too.

        Args:
            tell: Called with the name of the one that leads, whenever that is another one than before.
            meanwhile: Called each time that another one still leads; it may take its time.
        """
        told = None
        while (lead := self.lead()) is not None:
            if self._roster.stop_request() is not None:
                return
            if lead != told:
                tell(told := lead)
            meanwhile()
            time.sleep(POLL_SECONDS)
