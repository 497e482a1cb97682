"""What pages print: blocks by kind, and the words that a shell makes of each command."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for folder in ("docs", "examples", "benchmarks") for page in (ROOT / folder).rglob("*.md")),
    ]
)
# programs that a page tells its reader to run; whatever begins otherwise is what one of them prints
PROGRAMS = (
    *("slimtune", "make", "bash", "python", "pip", "mlflow", "ray", "curl", "tensorboard", "export", "source", "cd"),
    *("docker", "git", "uv", "pipx", "hf", "jupyter", "sbatch"),
)
LANGUAGES = {"", "python", "yaml", "json", "mermaid", "text", "bash"}
# reports that a program has written, or that a test writes anew
WRITTEN = {ROOT / "docs/reference/commands.md"}


class Block(NamedTuple):
    """What stands between two fences.

    Attributes:
        page: The file.
        line: Of the opening fence, from 1.
        language: What the fence says; empty for none.
        text: Between the fences.
    """

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Its command lines, continued ones whole; none where it is what a program prints."""
        if self.language not in ("", "bash"):
            return []
        lines = [line.strip() for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        if prompted:
            return prompted
        return lines if lines and is_command(lines[0]) else []


def is_command(line: str) -> bool:
    """Whether a line begins with a program, perhaps behind variables of the environment."""
    words = re.sub(r"^(?:[A-Z_]+=\S* )+", "", line).split()
    return bool(words) and words[0].rpartition("/")[2] in PROGRAMS and not line.startswith("slimtune:")


def blocks(page: Path) -> Iterator[Block]:
    """All blocks of a page."""
    found: list[str] | None = None
    start, language = 0, ""
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        fence = re.match(r"^ *```(\w*)\s*$", line)
        if fence and found is None:
            found, start, language = [], number, fence[1]
        elif fence and found is not None:
            yield Block(page, start, language, "\n".join(found))
            found = None
        elif found is not None:
            found.append(line)
    assert found is None, f"{page}: the block of line {start} has no end"


def prose(page: Path) -> str:
    """A page without its blocks."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def spans(page: Path) -> list[str]:
    """What stands in backticks in the prose, on one line each; a table escapes its bars."""
    return [" ".join(one.split()).replace("\\|", "|") for one in re.findall(r"`([^`]+)`", prose(page))]


def shell_words(lines: Sequence[str]) -> list[list[str]]:
    """The words that bash hands to each program of some lines, the program first; nothing is run.

    `<...>` stands for something of the reader's. Redirections write nowhere.
    """
    # a substitution of a process, and what goes into a file, would be run for
    plain = [re.sub(r"<[^<>()]+>", "x", line) for line in lines]
    plain = [re.sub(r" >>? ?\S+", "", re.sub(r"<\(([^()]*)\)", r"; \1", line)) for line in plain]
    stubs = "".join(
        f'{name}() {{ printf "%s\\0" {name} "$@"; printf "\\n\\0"; }}\n' for name in PROGRAMS if name != "export"
    )
    # a command by its path, such as .venv/bin/python
    plain = [re.sub(r"(^|\s)(?:[\w.]+/)+(python|slimtune)(?= )", r"\1\2", line) for line in plain]
    script = f"set -f\n{stubs}" + "\n".join(plain)
    bash = [shutil.which("bash") or "bash", "-c", script]
    done = subprocess.run(bash, capture_output=True, check=False, env={"PATH": "/nowhere"}, text=True)
    assert (done.returncode, done.stderr) == (0, ""), (lines, done.stderr)
    commands: list[list[str]] = [[]]
    for word in done.stdout.split("\0")[:-1]:
        if word == "\n":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands[:-1]
