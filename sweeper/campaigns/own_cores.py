"""How many cores of this machine trials take: those that nobody else keeps busy when they begin, and then as many."""

import socket
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from slimtune.sweeper.search.launchers.allotment import allotment
from slimtune.training.config.fit import FitConfig
from slimtune.training.hardware.load import OthersLoad
from slimtune.training.hardware.threads import free_cores, is_limited
from slimtune.training.listed_names import counted

# of a study: how many cores its trials take, by machine
CORES = "cores"
SETS_IT = "(fit.threads sets the number)"


class SweepNotes(Protocol):
    """A study, as far as it is needed here: without it, nobody has to wait for Optuna."""

    def attrs(self) -> Mapping[str, Any]: ...

    def set_attr(self, key: str, value: Any) -> None: ...


class OwnCores(NamedTuple):
    """What trials take.

    Attributes:
        number: None is what is there: nobody was asked to leave anything.
        note: What a person should know of it; None if that is nothing.
    """

    number: int | None
    note: str | None = None


def own_cores(fit: FitConfig, load: OthersLoad, *, before: int | None) -> OwnCores:
    """All that other processes leave. A number that a person or a scheduler has said holds, in `fit.threads` or in the
    environment.

    Args:
        fit: Of the trials.
        load: Of this machine while everything was prepared.
        before: How many there were when the same trials began: with other threads sums are rounded in another order.
    """
    every = free_cores()
    if fit.threads is not None or is_limited() or allotment().cores is not None:
        return OwnCores(None)
    if before is not None:
        kept = min(before, every)
        began = f"on {kept} of {counted(every, 'core')}, as it began {SETS_IT}"
        return OwnCores(kept, began if kept < every else None)
    others = load.cores()
    # a container's quota is of a machine that others use too, and is left alone by what they leave
    number = min(every, max(1, round(load.capacity - others)))
    if number == every:
        return OwnCores(every)
    busy = f"other processes keep {others:.1f} of {load.capacity:.0f} cores busy: trials take {number}"
    return OwnCores(number, f"{busy} {SETS_IT}")


class SweepCores:
    """Of one launching process; the load of its machine is looked at from when this is made."""

    def __init__(self) -> None:
        self._load = OthersLoad()
        self._taken: OwnCores | None = None

    def take(self, study: SweepNotes, fit: FitConfig, *, leads: bool) -> OwnCores:
        """As many as the same sweep took here before, if this process leads it; what others do later changes nothing.

        Args:
            study: The sweep's, which remembers it.
            fit: Of the trials.
            leads: Whether this process leads the sweep; beside one that does it takes what that leaves.
        """
        noted, machine = study.attrs().get(CORES, {}), socket.gethostname()
        if self._taken is None:
            self._taken = own_cores(fit, self._load, before=noted.get(machine) if leads else None)
            if leads and self._taken.number is not None:
                study.set_attr(CORES, noted | {machine: self._taken.number})
            return self._taken
        return self._taken._replace(note=None)


def workers_line(num_workers: int, fit: FitConfig, cores: int | None, *, elsewhere: bool) -> str | None:
    """How many workers train beside each other, and on what; None of one alone.

    Args:
        num_workers: Of this launching process.
        fit: Of the trials.
        cores: That this machine has for them; None is what is there.
        elsewhere: Whether they run on other machines, whose cores nobody knows here.
    """
    if num_workers == 1:
        return None
    trials = "a trial each" if fit.slots == 1 else "a trial each, or several at once (fit.slots)"
    if elsewhere:
        return f"{num_workers} workers (search.num_workers), {trials}"
    threads = fit.threads or max(1, (free_cores() if cores is None else cores) // num_workers)
    of = f"{counted(threads, 'thread')} each"
    return f"{num_workers} workers of {of} (search.num_workers), {trials}"
