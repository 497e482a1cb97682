"""What a run says of where it ran: versions, hardware, the user and the commit."""

import getpass
import os
import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

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
        "cores": usable_cores(),
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
    }


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
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        if commit.returncode == 0:
            tags["mlflow.source.git.commit"] = commit.stdout.strip()
    return tags


def usable_cores() -> int:
    """Logical cores that this process may use; all of them where the system knows no affinity, as macOS."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
