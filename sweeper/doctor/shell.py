"""Whether the shell of whoever asks completes slimtune's command line."""

import os
from pathlib import Path

from slimtune.sweeper.doctor.finding import Finding, Grade

# where each shell looks, from the home folder, and what is written there
FILES = {
    "bash": (".bashrc", "add to ~/.bashrc: source <(slimtune completion bash)"),
    "zsh": (".zshrc", "add to ~/.zshrc: source <(slimtune completion zsh)"),
    "fish": (
        ".config/fish/completions/slimtune.fish",
        "run: slimtune completion fish > ~/.config/fish/completions/slimtune.fish",
    ),
}
WRITTEN = "slimtune completion"


def shell_completion(home: Path) -> Finding | None:
    """What is set up for the shell that `SHELL` names; None for one that there is no script for.

    Args:
        home: The user's folder.
    """
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in FILES:
        return None
    place, repair = FILES[shell]
    try:
        is_there = WRITTEN in (home / place).read_text(encoding="utf-8", errors="replace")
    except OSError:
        is_there = False
    if is_there:
        return Finding(name="completion", told=f"{shell} completes commands, choices and keys")
    return Finding(name="completion", told=f"{shell} does not complete slimtune", grade=Grade.absent, repair=repair)
