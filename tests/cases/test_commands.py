"""Commands that are printed or documented can be pasted into a shell as they stand."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from slimtune.sweeper.commands import sweep, train
from slimtune.sweeper.config_values import known_keys

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")])
OVERRIDE = re.compile(r"[+~]{0,2}[a-z_]+([./@][\w./@]+)*=.*", re.DOTALL)
COMMAND = re.compile(r"^ *(slimtune (?:sweep|train) .+)$", re.MULTILINE)


class Grammar:
    """What Hydra reads, and the keys that there are."""

    def __init__(self) -> None:
        with initialize_config_module("slimtune.conf", version_base="1.3"):
            self.loader: ConfigLoader = GlobalHydra.instance().config_loader()
            options = [("method", name) for name in self.loader.get_group_options("method")]
            options += [("task", name) for name in self.loader.get_group_options("task")]
            options += [("export/target", name) for name in self.loader.get_group_options("export/target")]
            for group in ("search/sampler", "search/pruner"):
                options += [(group, name) for name in self.loader.get_group_options(group)]
            options += [("data", "hub"), ("space", "file")]
            self.known = {key for group, name in options for key in known_keys(compose("config", [f"{group}={name}"]))}

    def problem(self, word: str) -> str | None:
        """Why an override would not be read."""
        try:
            parsed = OverridesParser.create().parse_override(word)
        except HydraException as error:
            return f"{word}: {error}"
        key = parsed.key_or_group
        free = parsed.is_add() or parsed.is_force_add() or key.startswith("hydra") or ".class_weights." in key
        # a bare name is one of a section that the text is about
        # options of what is chosen within another choice
        free = free or key.startswith("search.pruner.") or not ("." in key or "/" in key)
        return None if free or key in self.known or self.loader.get_group_options(key) else f"{word}: no such key"


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar()


def shown(text: str) -> Iterator[str]:
    """Commands in blocks, and spans that are commands or overrides."""
    text = text.replace("\\\n", " ").replace("\\|", "|")
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        yield from (line.split("  #")[0] for line in COMMAND.findall(block))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for span in re.findall(r"`([^`\n]+)`", prose):
        first = span.split(" ")[0].lstrip("'\"")
        if OVERRIDE.fullmatch(first) or span.startswith(("slimtune sweep", "slimtune train")):
            yield span


def words_of(line: str) -> list[str]:
    """The overrides in a line, as a shell splits it; `<...>` stands for something of the reader's."""
    words = shlex.split(re.sub(r"<[^<>]*>", "x", line))
    return [word for word in words if OVERRIDE.fullmatch(word) and not word.endswith("=...")]


def unquoted(line: str) -> list[str]:
    """Signs of which a shell makes something else."""
    return re.findall(r"[][(){}<>|&;*?$`!]", re.sub(r"'[^']*'|\"[^\"]*\"|<[^<>]*>", "", line))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_is_read_as_it_stands(page: Path, grammar: Grammar) -> None:
    """Split by a shell and parsed by Hydra, each override is one of a key that there is."""
    lines = [line for line in shown(page.read_text(encoding="utf-8")) if words_of(line)]
    problems = [problem for line in lines for word in words_of(line) if (problem := grammar.problem(word))]
    assert problems == []
    # a bare name is no override as it stands
    assert [line for line in lines if "." in words_of(line)[0].partition("=")[0] and unquoted(line)] == []


def test_what_the_help_says_is_read_as_it_stands(grammar: Grammar) -> None:
    words = [word for text in (sweep.HELP, train.HELP) for line in text.splitlines() for word in _help_words(line)]
    assert len(words) > 20
    assert [problem for word in words if (problem := grammar.problem(word))] == []


def _help_words(line: str) -> list[str]:
    left = line.strip().split("   ")[0]
    return [word for word in words_of(left) if "|" not in word] if "=" in left else []
