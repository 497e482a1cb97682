"""One trial on several devices: a process for each, watched by the worker, which alone speaks with the search."""

import multiprocessing
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from training.rank import run_rank
from training.relay import Given, Message
from training.trial import Failed, FailureKind, Outcome, Trial

# after the trial's end
GRACE_SECONDS = 10.0


def conduct(trial: Trial, size: int) -> Outcome:
    """Train the trial with so many processes; they have ended when this returns.

    A rank that dies ends the trial as lost: the others would wait for it.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    port = _free_port()
    given = Given(dict(trial.config), trial.lineage, trial.number)
    ranks = [
        context.Process(
            target=run_rank, args=(rank, size, port, given, theirs if rank == 0 else None), name=f"rank {rank}"
        )
        for rank in range(size)
    ]
    for process in ranks:
        process.start()
    # its end would not be seen as long as somebody else could write
    theirs.close()
    try:
        return _outcome(trial, ours, ranks)
    finally:
        _end(ranks)
        ours.close()


def _outcome(trial: Trial, ours: Connection, ranks: Sequence[BaseProcess]) -> Outcome:
    sentinels = {process.sentinel: process for process in ranks}
    while True:
        ready = wait([ours, *sentinels])
        # what was said before an end counts
        if ours in ready:
            try:
                outcome = _answer(trial, ours)
            except EOFError:
                return _lost(ranks[0])
            if outcome is not None:
                return outcome
            continue
        return _lost(next(process for sentinel, process in sentinels.items() if sentinel in ready))


def _answer(trial: Trial, ours: Connection) -> Outcome | None:
    message: Message = ours.recv()
    match message.kind:
        case "began":
            trial.began(*message.values)
        case "report":
            ours.send(trial.report(*message.values))
        case "finish":
            outcome: Outcome = message.values[0]
            return outcome
    return None


def _lost(process: BaseProcess) -> Failed:
    process.join(GRACE_SECONDS)
    story = f"{process.name} ended with exit code {process.exitcode} before the trial did"
    return Failed(FailureKind.lost, story, story)


def _end(ranks: Sequence[BaseProcess]) -> None:
    """Let them end, and end those that do not."""
    deadline = time.monotonic() + GRACE_SECONDS
    # the first one may have words for the tracker left, the others wait for nobody
    ranks[0].join(max(0.0, deadline - time.monotonic()))
    for process in ranks:
        if process.is_alive():
            process.kill()
        process.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
