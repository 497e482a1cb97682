"""A training step and a search beside processes that keep the cores busy, by how threads wait for one another.

    python -m benchmarks.busy --search --out benchmarks/reports/busy.md

Threads of a process meet after each operator. As torch comes, one that is early spins until the others are there, and
takes from another process the core that the late one waits for. Each contestant is a process of its own with an
environment of its own; they take turns beside 0, 1 and 2 others that compute, and the table gives medians. A search
also looks how many cores are free when it begins (`slimtune sweep`, three trials of an epoch, no reruns, no export).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import IO, NamedTuple

from benchmarks.report import add_out, header, publish, table
from slimtune.training.hardware.waiting import SPIN, VARIABLES, wait_briefly

BATCH_SIZE, LENGTH, RANK = 16, 24, 8
SPIN_FOREVER = "while True: pass"
SEARCH = (
    *("sweep", "experiment=tone", "search.n_trials=3", "search.rerun_seeds=0", "search/pruner=none"),
    *("fit.epochs=1", "fit.slots=1", "export=none", "tracking=none"),
)


class Contestant(NamedTuple):
    """A way to wait.

    Attributes:
        name: As the table has it.
        threads: Of the step.
        environment: Variables that a runtime of OpenMP reads when it is loaded; None leaves it to slimtune.
    """

    name: str
    threads: int
    environment: dict[str, str] | None


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--beside", type=int, nargs="+", default=[0, 1, 2], help="numbers of busy processes")
    parser.add_argument("--spin", type=int, nargs="*", default=[], help="numbers of looks before a thread sleeps")
    parser.add_argument("--search", action="store_true", help="searches too, some minutes")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    add_out(parser)
    options = parser.parse_args()
    if options.serve:
        _serve(options.serve)
        return
    contestants = [
        Contestant("slimtune", options.threads, None),
        Contestant("as torch comes", options.threads, {}),
        Contestant("OMP_WAIT_POLICY=PASSIVE", options.threads, {"OMP_WAIT_POLICY": "PASSIVE"}),
        *(Contestant(f"GOMP_SPINCOUNT={n}", options.threads, {"GOMP_SPINCOUNT": str(n)}) for n in options.spin),
        Contestant("one thread", 1, {}),
    ]
    ms = {number: _measured(contestants, number, options) for number in options.beside}
    alone = ms[options.beside[0]]
    rows = [
        [
            one.name,
            *(f"{ms[number][one.name]:.0f}" for number in options.beside),
            *(f"{ms[number][one.name] / alone[one.name]:.2f}" for number in options.beside[1:]),
            f"{alone[one.name] / alone['as torch comes']:.3f}",
        ]
        for one in contestants
    ]
    columns = [
        "how threads wait",
        *(f"ms beside {number}" for number in options.beside),
        *(f"slower beside {number}" for number in options.beside[1:]),
        f"beside {options.beside[0]}, relative to torch",
    ]
    note = (
        f"MiniLM, LoRA r {RANK} on all linear layers, {BATCH_SIZE} x {LENGTH} tokens, fp32, {options.threads} threads; "
        f"slimtune sets GOMP_SPINCOUNT={SPIN}. Medians of {options.rounds} rounds of {options.steps} steps."
    )
    lines = [*header("On a busy machine", note), *table(columns, rows)]
    publish([*lines, *(_searches(options) if options.search else [])], options.out)


def _searches(options: argparse.Namespace) -> Iterator[str]:
    # as torch comes: what a person sets holds
    torchs = ({"GOMP_SPINCOUNT": "300000"}, [f"fit.threads={options.threads}"])
    ways: dict[str, tuple[dict[str, str], list[str]]] = {"slimtune": ({}, []), "as torch comes, all cores": torchs}
    seconds = {number: {name: _search(number, *way) for name, way in ways.items()} for number in options.beside}
    yield ""
    yield "Seconds of a search, from the command to its end:"
    yield ""
    rows = [[name, *(f"{seconds[number][name]:.0f}" for number in options.beside)] for name in ways]
    yield from table(["", *(f"beside {number}" for number in options.beside)], rows)


def _search(busy: int, environment: dict[str, str], words: list[str]) -> float:
    free = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for _ in range(busy):
            stack.enter_context(_spinning())
        began = time.perf_counter()
        command = [sys.executable, "-m", "slimtune.sweeper.cli", *SEARCH, *words]
        subprocess.run(command, check=True, cwd=folder, env=free | environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def _measured(contestants: Sequence[Contestant], busy: int, options: argparse.Namespace) -> dict[str, float]:
    seconds: dict[str, list[float]] = {one.name: [] for one in contestants}
    with ExitStack() as stack:
        processes = {one.name: stack.enter_context(_process(one)) for one in contestants}
        for pipe in processes.values():
            _steps(pipe, 2)
        for _ in range(busy):
            stack.enter_context(_spinning())
        for _ in range(options.rounds):
            for name, pipe in processes.items():
                seconds[name].append(_steps(pipe, options.steps))
    found = {name: 1000 * median(values) for name, values in seconds.items()}
    print(busy, {name: round(value, 1) for name, value in found.items()}, file=sys.stderr, flush=True)
    return found


def _steps(pipe: tuple[IO[str], IO[str]], number: int) -> float:
    to, back = pipe
    print(number, file=to, flush=True)
    return float(back.readline())


@contextmanager
def _process(one: Contestant) -> Iterator[tuple[IO[str], IO[str]]]:
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    if one.environment is None:
        environment["SLIMTUNE_BENCHMARK_WAITS"] = "briefly"
    words = [sys.executable, "-m", "benchmarks.busy", "--serve", str(one.threads)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment | (one.environment or {})
    ) as process:
        try:
            yield process.stdin, process.stdout
        finally:
            process.kill()


@contextmanager
def _spinning() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", SPIN_FOREVER]) as process:
        try:
            yield
        finally:
            process.kill()


def _serve(threads: int) -> None:
    """Train so many steps as each line says, and answer with the seconds of one."""
    if os.environ.get("SLIMTUNE_BENCHMARK_WAITS"):
        wait_briefly()
    import torch

    from benchmarks.models import config_of, idle_trainer, model_path, workbench
    from slimtune.training.engine.packing import gradients_alone
    from slimtune.training.tracking.reporter import Reporter
    from slimtune.training.tracking.run import NullRun

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as name:
        config = config_of(
            model_path("minilm", Path(name)),
            "method=lora",
            f"method.r={RANK}",
            "method.modules_to_save=[]",
            f"fit.batch_size={BATCH_SIZE}",
            "fit.precision=fp32",
            "fit.epochs=1000",
        )
        bench, resources = workbench(config, length=LENGTH)
        trainer, reporter = idle_trainer(config, bench, resources, Path(name)), Reporter(NullRun)
        torch.set_num_threads(threads)
        for line in sys.stdin:
            began = time.perf_counter()
            for _ in range(int(line)):
                gradients_alone(trainer)
                trainer.advance(reporter)
            print((time.perf_counter() - began) / int(line), flush=True)


if __name__ == "__main__":
    main()
