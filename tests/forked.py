"""`slimtune` in a process of its own that is forked from one with all imports done: seconds less than a start.

Only where the start itself is not what is tested.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

# of ranks, of trials, of sweeps, of exports; not onnxruntime, which begins a thread
IMPORTED = (
    "accelerate",
    "alembic.command",
    "hydra.main",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "onnx.reference",
    "onnxscript",
    "optuna.storages",
    "slimtune.sweeper.search.sweep",
    # peft, without bitsandbytes
    "slimtune.training.methods.peft_door",
    "slimtune.training.worker.run",
    "torch.distributed.fsdp",
    "torch.onnx",
    "torch.onnx._internal.exporter._core",
)


def forking() -> ForkServerContext:
    """The context whose processes begin with the imports done; there is one server for all tests of a process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def run_slimtune(words: Sequence[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a command ends with and prints, run in a folder. Exports of it time no variant, which takes most of them."""
    return _run(_slimtune, words, folder)


def run_module(command: Sequence[str], *, env: Mapping[str, str], **_: object) -> subprocess.CompletedProcess[str]:
    """Stands in for `subprocess.run` of `python -P -m module words`, with its output as text."""
    _, _, _, *words = command
    return _run(_module, words, env)


def start_slimtune(words: Sequence[str], *, folder: Path, said: Path) -> ForkServerProcess:
    """A command under way, and the file for what it prints."""
    process = forking().Process(target=_slimtune, args=(list(words), folder, [said] * 2))
    process.start()
    return process


def _run(target: Callable[..., None], words: Sequence[str], where: object) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as said:
        files = [Path(said, name) for name in ("stdout", "stderr")]
        process = forking().Process(target=target, args=(list(words), where, files))
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(list(words), process.exitcode, *(file.read_text("utf-8") for file in files))


def _write_into(files: Sequence[Path]) -> None:
    for descriptor, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)


def _module(words: list[str], env: Mapping[str, str], files: Sequence[Path]) -> None:
    _write_into(files)
    os.environ.update(env)
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def _slimtune(words: list[str], folder: Path, files: Sequence[Path]) -> None:
    _write_into(files)
    # as in a terminal: in a shell's background job, which CI may be, Ctrl-C is ignored by inheritance
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    sys.argv = ["slimtune", *words]
    from slimtune.sweeper.cli import main

    exports = [word for word in words if word.startswith("export=")]
    if words[0] in {"export", "sweep"} and exports[-1:] != ["export=none"]:
        _leave_out_timing()
    code = main()
    # joblib's workers are told here to end; multiprocessing waits for them first, and they idle for five minutes
    threading._shutdown()
    sys.exit(code)


def _leave_out_timing() -> None:
    # here, and not in the process that is forked
    from slimtune.export.verification import measured_variants
    from tests.export.conftest import no_timing

    measured_variants.measure = no_timing
