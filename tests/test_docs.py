"""What the documents say is there is there."""

import re
import shlex
from pathlib import Path

import pytest

from slimtune.sweeper.command_table import COMMANDS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
FOLDERS = ("docs", "benchmarks", "examples")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
WIDTH = 100
KEYS = re.findall(r"^\| `([a-z_0-9.]+)`", (ROOT / "docs/reference/keys.md").read_text(encoding="utf-8"), re.MULTILINE)
SECTIONS = {key.split(".")[0] for key in KEYS}
FILE_ENDINGS = (".onnx", ".json", ".safetensors")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 700


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_parses(page: Path) -> None:
    """Each is a command of slimtune, as a shell reads it."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split("  #")[0] for line in re.findall(r"^ *(slimtune .+)$", text, re.MULTILINE)]
    for line in lines:
        words = shlex.split(re.sub(r"<[^>]*>", "x", line))
        assert words[1] in COMMANDS, line


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_of_the_project_exists(page: Path) -> None:
    """Such as `training/engine/train_step.py`, wherever a page names it."""
    text = page.read_text(encoding="utf-8")
    paths = re.findall(
        r"`((?:conf|training|export|sweeper|tests|benchmarks|docs|tools|examples)/[\w./-]*(?:/|\.\w+))`", text
    )
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=named)
def test_every_key_that_a_page_names_is_one(page: Path) -> None:
    """Such as `data.text_template`; a part of the config, as `export.target`, is named too, and so are files. The
    changelog also names what people wrote in their place.
    """
    text = page.read_text(encoding="utf-8")
    words = {word for word in re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)`", text) if not word.endswith(FILE_ENDINGS)}
    of_sections = {word for word in words if word.split(".")[0] in SECTIONS}
    assert [word for word in of_sections if not any(f"{key}.".startswith(f"{word}.") for key in KEYS)] == []


def test_what_can_still_fail_is_raised_there() -> None:
    """Of each row of the table, one of the files raises each of the errors."""
    text = (ROOT / "docs/design/refused-early.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1:3] for row in text.splitlines() if row.startswith("| `")]
    assert len(rows) > 20
    for where, raised in rows:
        named = [ROOT / path for path in re.findall(r"`([\w/]+(?:\.py|/))`", where)]
        files = [file for path in named for file in (path.rglob("*.py") if path.is_dir() else [path])]
        sources = [file.read_text(encoding="utf-8") for file in files]
        for error in re.findall(r"`(\w+)`", raised):
            assert any(f"raise {error}" in source for source in sources), (where, error)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_lines_have_one_width(page: Path) -> None:
    """Prose; a table's row, a command, a link and quoted output are as long as they are."""
    in_block, too_long = False, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        in_block ^= line.lstrip().startswith("```")
        is_prose = not in_block and not line.startswith(("    ", "|", "#"))
        # a command in backticks cannot be broken
        if is_prose and len(re.sub(r"`[^`]*`|\]\([^)]*\)", "", line)) > WIDTH:
            too_long.append(number)
    assert too_long == []


@pytest.mark.parametrize("part", ["training", "export", "sweeper"])
def test_the_map_names_every_room(part: str) -> None:
    """And every file that stands in none."""
    block = ARCHITECTURE.split(f"\n{part}/ ")[1].split("\n```")[0]
    block = re.split(r"\n\S", block)[0]
    rooms = {path.parent.name for path in (ROOT / part).glob("*/__init__.py")}
    assert rooms - set(re.findall(r"\b(\w+)/", block)) == set()
    named = " ".join(re.split(r"  +", line.strip(), maxsplit=1)[0] for line in block.splitlines()).split()
    assert {path.stem for path in (ROOT / part).glob("[!_]*.py")} - set(named) == set()


def test_every_decision_is_listed() -> None:
    """`docs/architecture.md` is the index of `docs/design/`."""
    pages = {page.name for page in (ROOT / "docs/design").glob("*.md")}
    assert pages == set(re.findall(r"\]\(design/([\w-]+\.md)\)", ARCHITECTURE.split("## Decisions")[1]))


@pytest.mark.parametrize("part", ["training", "export", "sweeper"])
def test_a_room_says_what_it_is_for(part: str) -> None:
    """In one sentence, and it holds no more than a person can look over."""
    for init in (ROOT / part).rglob("__init__.py"):
        assert init.read_text(encoding="utf-8").startswith('"""'), init
        assert len(list(init.parent.glob("*.py"))) <= 19, init


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
    assert [name for name in wanted if name not in locked and name != "slimtune"] == []
