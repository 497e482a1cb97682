"""What the machine has: cores, memory, GPUs, precision, a compiler."""

import platform
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimtune.sweeper.doctor.finding import Finding, Grade
from slimtune.sweeper.doctor.unseen import seen_or_not
from slimtune.training.hardware.compilers import COMPILERS

if TYPE_CHECKING:
    from slimtune.training.hardware.load import OthersLoad

GB = 1e9
# a search of the quickstart's model takes about one
SCARCE_GB = 2.0
# of a core: other processes take one from training
BUSY_CORES = 0.5


def machine(load: "OthersLoad | None") -> Iterator[Finding]:
    """What trials will run on.

    Args:
        load: Begun some time ago, so that it need not be waited for; None begins now.
    """
    yield Finding(name="Python", told=f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield from seen_or_not("cores", lambda: [_cores(load)])
    yield from seen_or_not("memory", lambda: [_memory()])
    yield from seen_or_not("GPU", _gpus)
    yield from seen_or_not("fit.precision=auto", lambda: [_precision()])
    yield _compiler()


def _cores(load: "OthersLoad | None") -> Finding:
    import torch

    from slimtune.training.hardware.load import OthersLoad
    from slimtune.training.hardware.threads import free_cores

    load = load or OthersLoad()
    ours, others = free_cores(), load.cores()
    told = f"{ours}, of which other processes use {others:.1f}; {torch.backends.cpu.get_cpu_capability()}"
    if others < BUSY_CORES:
        return Finding(name="cores", told=told)
    repair = "trials begin on those that are free; for a quicker search end what else is running"
    return Finding(name="cores", told=told, grade=Grade.absent, repair=repair)


def _memory() -> Finding:
    import psutil
    import torch

    from slimtune.training.hardware.memory import free_bytes

    free = free_bytes(torch.device("cpu"), most_mb=None) / GB
    told = f"{free:.1f} of {psutil.virtual_memory().total / GB:.1f} GB free"
    if free >= SCARCE_GB:
        return Finding(name="memory", told=told)
    repair = f"a small encoder takes about {SCARCE_GB:.0f} GB; end what else is running, or set fit.slots=1"
    return Finding(name="memory", told=told, grade=Grade.bad, repair=repair)


def _gpus() -> Iterator[Finding]:
    import torch

    from slimtune.training.hardware.precision import has_native_bf16

    if not torch.cuda.is_available():
        build = torch.version.cuda or torch.version.hip
        # a build for CUDA that sees no device is a driver that does not fit, or no GPU
        why = "this build of torch is for CPUs alone" if build is None else f"torch (for CUDA {build}) sees none"
        repair = None if build is None and not shutil.which("nvidia-smi") else _build_for_gpu(build)
        yield Finding(name="GPU", told=f"none: {why}", grade=Grade.absent, repair=repair)
        return
    for index in range(torch.cuda.device_count()):
        device = torch.device("cuda", index)
        free, total = torch.cuda.mem_get_info(device)
        bf16 = "computes in bf16" if has_native_bf16(device) else "has no bf16"
        told = f"{torch.cuda.get_device_name(device)}, {free / GB:.1f} of {total / GB:.1f} GB free, {bf16}"
        yield Finding(name=f"GPU {index}", told=told)


def _build_for_gpu(build: str | None) -> str:
    import torch

    if build is None:
        return f"install torch {torch.__version__.partition('+')[0]} for CUDA: https://pytorch.org/get-started"
    return "look whether nvidia-smi lists a GPU, and whether its driver is new enough for that CUDA"


def _precision() -> Finding:
    import torch

    from slimtune.training.hardware.precision import has_native_bf16

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    native = has_native_bf16(device)
    told = "bf16, in hardware" if native else "fp32: bf16 would be slower here"
    return Finding(name="fit.precision=auto", told=told)


def _compiler() -> Finding:
    found = next((name for name in COMPILERS if shutil.which(name)), None)
    if found is not None:
        return Finding(name="compiler", told=f"{found}, for fit.compile")
    repair = "install g++ to use fit.compile, which trials of 20,000 steps and more gain by"
    return Finding(name="compiler", told="none", grade=Grade.absent, repair=repair)
