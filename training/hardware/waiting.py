"""How the threads of a process wait for one another."""

import os

# how often a thread looks whether the others are there before it sleeps
SPIN = 1_000
# what a person sets holds: the first is every runtime's, the others are GNU's and Intel's
VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def wait_briefly() -> None:
    """Let threads that wait for others give their core away soon.

    Must be called before torch, which reads it once. As torch comes, a thread that is early keeps its core busy for
    milliseconds: beside one other process that computes, the late one waits for that core, and a step takes many times
    as long (benchmarks/reports/busy.md).
    """
    if not any(name in os.environ for name in VARIABLES):
        os.environ["GOMP_SPINCOUNT"] = str(SPIN)
