"""How a search ended: its budget is gone, a rule stopped it, or too many trials failed."""

from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import STOPPED
from slimtune.sweeper.study.stop_rules import too_many_failures
from slimtune.training.errors import StoreError


def note_ending(study: Study) -> str | None:
    """Note on a study why its search ended before the budget was gone; None if it did not.

    Raises:
        StoreError: As many trials failed as `search.max_failures` allows.
    """
    reason = study.stop_reason()
    if study.attrs().get(STOPPED) != reason:
        study.set_attr(STOPPED, reason)
    failures = too_many_failures(study.shown(), study.spec.stop_rules)
    if failures is not None:
        raise StoreError(f"{failures}; mend it, or raise search.max_failures, and give the same command again")
    return reason
