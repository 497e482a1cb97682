"""A public class or function has a name of its own: who searches for it finds one place."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# what each command's module and each task's calls its entry
ENTRIES = {"command_parser", "make", "run"}


def public_names(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name


@pytest.fixture(scope="module")
def places() -> dict[str, set[str]]:
    """The files that define a name."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("sweeper", "training", "export"):
        for path in (ROOT / folder).rglob("*.py"):
            for name in public_names(path):
                found[name].add(str(path.relative_to(ROOT)))
    return found


def test_a_public_name_has_one_meaning(places: dict[str, set[str]]) -> None:
    several = {name: sorted(files) for name, files in places.items() if len(files) > 1 and name not in ENTRIES}
    assert several == {}


def test_an_entry_is_one_of_several_of_its_kind(places: dict[str, set[str]]) -> None:
    for name in ENTRIES:
        assert len({str(Path(file).parent) for file in places[name]}) < len(places[name]) > 2, name
