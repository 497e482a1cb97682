"""Sentence frames with slots: read from tools/material/, filled, written as a corpus."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MATERIAL = Path(__file__).parent / "material"
CORPORA = Path(__file__).parent.parent / "training" / "data" / "corpora"
SLOT = re.compile(r"\{([^{}]+)\}")


def read_lines(name: str) -> list[str]:
    """The lines of a material file without blank ones and remarks (`# ...`)."""
    lines = (MATERIAL / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def read_sections(name: str) -> dict[str, list[str]]:
    """The lines of a material file under their headings; `[name: remark]` is the heading `name`.

    Raises:
        ValueError: A line stands before the first heading, or a heading stands twice.
    """
    sections: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in read_lines(name):
        if line.startswith("[") and line.endswith("]"):
            heading = line[1:-1].partition(":")[0]
            if heading in sections:
                raise ValueError(f"{name}: heading [{heading}] stands twice; join the two")
            lines = sections[heading] = []
        elif lines is None:
            raise ValueError(f"{name}: '{line}' stands before the first [heading]; move it under one")
        else:
            lines.append(line)
    return sections


def split_frame(frame: str) -> list[tuple[str, str | None]]:
    """Pairs of fixed text and the slot that follows it; the last pair may have None for a slot."""
    parts = SLOT.split(frame)
    return [(fixed, slot) for fixed, slot in zip(parts[::2], [*parts[1::2], None], strict=True) if fixed or slot]


def pair(line: str, mark: str = "=") -> tuple[str, str]:
    """Both sides of `left = right`.

    Raises:
        ValueError: The mark does not stand exactly once, surrounded by spaces.
    """
    left, *rest = line.split(f" {mark} ")
    if len(rest) != 1:
        raise ValueError(f"'{line}': ' {mark} ' must stand exactly once")
    return left.strip(), rest[0].strip()


def write_corpus(name: str, rows: Iterable[dict[str, Any]]) -> int:
    """Writes training/data/corpora/<name>.jsonl; returns the number of rows."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (CORPORA / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)
