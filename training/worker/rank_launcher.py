"""One trial on several devices: a process for each, watched by the worker, which alone speaks with the search."""

import logging
import multiprocessing
import socket
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from slimtune.training.trial import Failed, FailureKind, Outcome, Trial, tell_resumed
from slimtune.training.worker.rank_process import RankPlace, run_rank
from slimtune.training.worker.trial_proxy import Message, TrialSpec

# for the first rank to say of itself what another one has failed of
GRACE_SECONDS = 10.0


class RankProcess(NamedTuple):
    """One of the processes, and the worker's end of its pipe."""

    process: BaseProcess
    connection: Connection


def launch_ranks(trial: Trial, *, num_ranks: int, num_workers: int) -> Outcome:
    """Train the trial with so many processes; they have ended when this returns.

    A rank that dies ends the trial as lost: the others would wait for it.

    Args:
        trial: Told of its evaluations and of its run; its outcome is returned.
        num_ranks: Processes, one a device.
        num_workers: Workers that share this machine's cores, each with as many processes.
    """
    context = multiprocessing.get_context("spawn")
    port = _free_port()
    spec = TrialSpec(dict(trial.config), trial.lineage, trial.number)
    ranks: list[RankProcess] = []
    try:
        for number in range(num_ranks):
            ours, theirs = context.Pipe()
            place = RankPlace(number, num_ranks, port, num_workers)
            process = context.Process(target=run_rank, args=(place, spec, theirs), name=f"rank {number}")
            process.start()
            # its end would not be seen as long as somebody else could write
            theirs.close()
            ranks.append(RankProcess(process, ours))
        return _outcome(trial, ranks)
    finally:
        for rank in ranks:
            if rank.process.is_alive():
                rank.process.kill()
            rank.process.join()
            rank.connection.close()


def _outcome(trial: Trial, ranks: Sequence[RankProcess]) -> Outcome:
    leader, watched = ranks[0], list(ranks)
    while True:
        ready = wait([rank.connection for rank in watched])
        # what was said before an end counts
        for rank in [rank for rank in watched if rank.connection in ready]:
            outcome = _answer(trial, rank)
            if outcome is None:
                continue
            if rank is leader:
                _hear_out(trial, leader)
                return outcome
            if _is_lost(outcome):
                if rank.process.exitcode != 0:
                    return outcome
            else:
                return _leaders_own(trial, leader) or outcome
            # told by the first rank that the trial has ended
            watched.remove(rank)


def _answer(trial: Trial, rank: RankProcess) -> Outcome | None:
    """Hear one message; the outcome, if it was the last."""
    try:
        message: Message = rank.connection.recv()
    except (EOFError, OSError):
        # its process has ended, and with it its end of the pipe
        return _lost(rank.process)
    match message.kind:
        case "began":
            trial.began(*message.values)
        case "resumed":
            tell_resumed(trial, *message.values)
        case "report":
            rank.connection.send(trial.report(*message.values))
        case "pulse":
            rank.connection.send(_ending(trial))
        case "log":
            (record,) = message.values
            logging.getLogger(record.name).handle(record)
        case "finish" | "failed":
            outcome: Outcome = message.values[0]
            return outcome
    return None


def _ending(trial: Trial) -> Failed | None:
    pulse: Callable[[], Failed | None] | None = getattr(trial, "pulse", None)
    return pulse() if pulse is not None else None


def _leaders_own(trial: Trial, leader: RankProcess) -> Outcome | None:
    """What the first rank says within the time of grace: what ends one often ends all, and it tracks its own end."""
    while leader.connection.poll(GRACE_SECONDS):
        outcome = _answer(trial, leader)
        if outcome is None:
            continue
        if _is_lost(outcome):
            return None
        _hear_out(trial, leader)
        return outcome
    return None


def _hear_out(trial: Trial, leader: RankProcess) -> None:
    """Until its process has ended: the tracker may have more to take, and its log has more lines."""
    while _answer(trial, leader) is None:
        continue
    leader.process.join()


def _lost(process: BaseProcess) -> Failed:
    process.join(GRACE_SECONDS)
    story = f"{process.name} ended with exit code {process.exitcode} before the trial did"
    return Failed(FailureKind.lost, story, story)


def _is_lost(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.kind is FailureKind.lost


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
