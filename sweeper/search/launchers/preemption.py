"""Jobs of submitit that must go before their end: at their time limit, or for somebody else's."""

import logging
import os
import signal
from types import FrameType

log = logging.getLogger(__name__)

EXECUTOR, SIGNAL = "SUBMITIT_EXECUTOR", "SUBMITIT_PREEMPT_SIGNAL"
CODE = 1


def end_when_preempted() -> None:
    """End the process by the signal that Slurm announces a job's end with, in every case.

    Submitit's own handler queues the job again, or raises an error where that may not be done any more. Raised in the
    middle of a trial it would be that trial's failure; ended by an exit, the trial is tried again from its last state.
    """
    if EXECUTOR not in os.environ:
        return
    number = getattr(signal, f"SIG{os.environ.get(SIGNAL, 'USR2')}")
    queued_again = signal.getsignal(number)
    if not callable(queued_again):
        return

    def end(signum: int, frame: FrameType | None) -> None:
        try:
            queued_again(signum, frame)
        except Exception as error:
            log.warning("this job ends before its worker does (%s); its trial is tried again", error)
            raise SystemExit(CODE) from error

    signal.signal(number, end)
