"""What a run says of where it ran: versions, hardware, the user and the commit."""

import getpass
import os
import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

# whether files differed from the commit
DIRTY = "git.dirty"
RECORDED_PACKAGES = (
    "slimtune",
    "torch",
    "transformers",
    "peft",
    "optuna",
    "mlflow",
    "onnxruntime",
    "scikit-learn",
    "numpy",
)


def environment() -> dict[str, Any]:
    """Package versions and hardware."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": _gpus(),
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
    }


def machine_line() -> str:
    """The hardware and the versions that decide on a result, in a sentence of Markdown."""
    known = environment()
    gpus = ", ".join(known["gpus"]) or "no GPU"
    versions = ", ".join(f"{name} {known['packages'][name]}" for name in ("slimtune", "torch", "transformers", "peft"))
    place = f"{known['processor']}, {known['cores']} cores, {known['memory_gb']} GB, {gpus}"
    tags = source_tags()
    commit = tags.get("mlflow.source.git.commit")
    changed = " with changes that are not committed" if tags.get(DIRTY) == "true" else ""
    code = f"; code at commit `{commit[:12]}`{changed}" if commit else ""
    return f"**Where**: {place}; Python {known['python']}, {versions}{code}"


@cache
def _processor() -> str:
    """The name of the processor as the system knows it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    """Names of the GPUs that torch sees."""
    import torch

    return [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@cache
def source_tags() -> dict[str, str]:
    tags = {"mlflow.source.name": "slimtune", "mlflow.source.type": "LOCAL"}
    tags["slimtune.version"] = str(_version("slimtune"))
    # a container may have neither a name for its user nor git
    with suppress(KeyError, OSError):
        tags["mlflow.user"] = getpass.getuser()
    with suppress(OSError):
        commit = _git("rev-parse", "HEAD")
        if commit is not None:
            tags["mlflow.source.git.commit"] = commit
            # files that git does not know are mostly what a sweep has written
            tags[DIRTY] = str(_git("status", "--porcelain", "--untracked-files=no") != "").lower()
    return tags


def _git(*arguments: str) -> str | None:
    """What git answers of the working directory; None outside of a repository."""
    found = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def usable_cores() -> int:
    """Logical cores that this process may use; all of them where the system knows no affinity, as macOS."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
