"""The launching processes of a sweep in the order in which they came, and what all of them are asked."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import optuna
from optuna.storages import BaseStorage

from slimtune.sweeper.study.lease import is_alive

# of the study that holds it, after the sweep's name
SUFFIX = "/launchers"
# user attribute of its trials: whose lease; of the study: who has begun as the one that leads, and what is asked
LAUNCHER, BEGUN, STOP = "launcher", "begun", "stop"
# before the name of a launching process: what that one alone is asked
STOP_PREFIX = "stop:"
CTRL_C = "Ctrl-C"


class StopRequest(NamedTuple):
    """Somebody wants the sweep to stop.

    Attributes:
        by: `user@host`, or `Ctrl-C`.
        at: Seconds since 1970.
        now: Whether trials end without a saved state.
    """

    by: str
    at: float
    now: bool


class Roster:
    """Kept in the sweep's storage, so that it holds for all machines; implements `AttrStore` for their leases.

    Of those that live, the one that came first leads: it alone does what is done once. A storage numbers trials
    without gaps or ties, so each launching process adds one, which has ended from the beginning.

    Attributes:
        launcher: Whose wishes count beside those of the whole sweep; None where nobody's do.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self.launcher: str | None = None

    @classmethod
    def open(cls, storage: BaseStorage, sweep: str) -> "Roster":
        """That of a sweep; made where there is none."""
        return cls(optuna.create_study(study_name=f"{sweep}{SUFFIX}", storage=storage, load_if_exists=True))

    def set_attr(self, key: str, value: Any) -> None:
        """Note something for all."""
        self._study.set_user_attr(key, value)

    def attrs(self) -> Mapping[str, Any]:
        """What was noted."""
        attrs: Mapping[str, Any] = self._study.user_attrs
        return attrs

    def join(self, launcher: str) -> None:
        """Come as the last one; its lease is there already."""
        self._study.add_trial(optuna.trial.create_trial(value=0.0, user_attrs={LAUNCHER: launcher}))

    def living(self) -> list[str]:
        """Those that live, the one that leads first."""
        attrs = self.attrs()
        return [launcher for launcher in self._launchers() if is_alive(attrs, launcher)]

    def _launchers(self) -> list[str]:
        trials = self._study.get_trials(deepcopy=False)
        return [trial.user_attrs[LAUNCHER] for trial in sorted(trials, key=lambda trial: trial.number)]

    def begun_by(self) -> str | None:
        """Who has last begun as the one that leads."""
        launcher: str | None = self.attrs().get(BEGUN)
        return launcher

    def begin(self, launcher: str) -> None:
        """Let the others know that they may join."""
        self.set_attr(BEGUN, launcher)

    def ask_to_stop(self, by: str, *, now: bool) -> None:
        """Want the sweep to stop; nothing is waited for."""
        self.set_attr(STOP, list(StopRequest(by, time.time(), now)))

    def ask_own_to_stop(self) -> None:
        """Want the workers of this launching process to stop, and no others."""
        self.set_attr(f"{STOP_PREFIX}{self.launcher}", list(StopRequest(CTRL_C, time.time(), now=False)))

    def forget_stop(self) -> None:
        """The sweep is wanted again."""
        if self.attrs().get(STOP) is not None:
            self.set_attr(STOP, None)

    def stop_request(self) -> StopRequest | None:
        """What somebody wants, if anybody does."""
        return stop_request_in(self.attrs(), self.launcher)


def stop_request_in(attrs: Mapping[str, Any], launcher: str | None = None) -> StopRequest | None:
    """What somebody wants of the sweep, or else of a launching process, by what was noted."""
    found = attrs.get(STOP) or attrs.get(f"{STOP_PREFIX}{launcher}")
    return None if found is None else StopRequest(*found)
