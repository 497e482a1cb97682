"""What all reports say: the day, the machine and the versions, above a table in Markdown."""

import argparse
import platform
import textwrap
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

WIDTH = 100
PACKAGES = ("torch", "transformers", "peft", "optuna", "slimtune")


def header(title: str, note: str) -> list[str]:
    """Title, conditions and an empty line."""
    import torch

    from slimtune.training.tracking.environment import usable_cores

    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _cpu()
    cores = usable_cores()
    return [
        f"# {title}",
        "",
        f"{date.today()}, {device}, {cores} cores, Python {platform.python_version()}, {packages}. {note}",
        "",
    ]


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table and an empty line."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (columns, *rows)]
    return [lines[0], "|" + " --- |" * len(columns), *lines[1:], ""]


def add_out(parser: argparse.ArgumentParser) -> None:
    """The option that all benchmarks have."""
    parser.add_argument("--out", type=Path, help="Markdown report to write")


def publish(lines: Sequence[str], out: Path | None) -> None:
    """Print the report, its prose in lines of one width, and write it if that was asked for."""
    text = "\n".join(line if line.startswith(("|", "#", " ")) else textwrap.fill(line, WIDTH) for line in lines)
    print(text)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")


def _cpu() -> str:
    """As Linux names it; other systems say less."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="ascii", errors="replace").splitlines() if info.is_file() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown CPU")
