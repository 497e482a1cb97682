"""`slimtune` in a process of its own that is forked from one with all imports done: seconds less than a start.

Only where the start itself is not what is tested.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

# of ranks, of trials, of exports
IMPORTED = (
    "accelerate",
    "mlflow",
    "optuna",
    "peft",
    "slimtune.training.worker.run",
    "torch.distributed.fsdp",
    "torch.onnx",
)


def forking() -> ForkServerContext:
    """The context whose processes begin with the imports done; there is one server for all tests of a process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def run_slimtune(words: Sequence[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a command ends with and prints, run in a folder."""
    with tempfile.TemporaryDirectory() as said:
        files = [Path(said, name) for name in ("stdout", "stderr")]
        process = _started(words, folder, files)
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(list(words), process.exitcode, *(file.read_text("utf-8") for file in files))


def start_slimtune(words: Sequence[str], *, folder: Path) -> ForkServerProcess:
    """A command under way, whose words nobody reads."""
    return _started(words, folder, [Path(os.devnull)] * 2)


def _started(words: Sequence[str], folder: Path, files: Sequence[Path]) -> ForkServerProcess:
    process = forking().Process(target=_slimtune, args=(list(words), folder, files))
    process.start()
    return process


def _slimtune(words: list[str], folder: Path, files: Sequence[Path]) -> None:
    for descriptor, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(folder)
    sys.argv = ["slimtune", *words]
    from slimtune.sweeper.cli import main

    sys.exit(main())
