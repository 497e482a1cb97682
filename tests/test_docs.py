"""What the documents say is there is there."""

import re
import shlex
from pathlib import Path

import pytest

from slimtune.sweeper.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_file_of_the_folder_map_exists() -> None:
    block = README.split("## Folder map")[1].split("## Licence")[0]
    folder, missing, num_files = "", [], 0
    for line in block.splitlines():
        if re.match(r"    \S", line):
            folder = line.split()[0] if line.split()[0].endswith("/") else ""
        for name in re.findall(r"[\w-]+\.(?:py|lock|toml|yaml)\b", line):
            num_files += 1
            if not (ROOT / folder / name).exists():
                missing.append(f"{folder}{name}")
    assert missing == []
    assert num_files > 50


def test_every_command_of_the_readme_parses() -> None:
    """Each is a command of slimtune, and its overrides are keys that exist."""
    lines = [line.strip().split("  #")[0] for line in README.splitlines() if line.startswith("    slimtune ")]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(re.sub(r"<[^>]*>", "x", line))
        assert words[1] in COMMANDS, line


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_lock_pins_every_dependency() -> None:
    """pyproject's packages stand in the lock with exact versions."""
    import tomllib

    locked = {
        re.split(r"==", line)[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if "==" in line
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [item for items in project["optional-dependencies"].values() for item in items]
    wanted = [re.split(r"[<>=\[; ]", item)[0].lower() for item in [*project["dependencies"], *extras]]
    assert [name for name in wanted if name not in locked] == []
