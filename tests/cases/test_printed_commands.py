"""Every command and snippet of a page is composed, parsed or compiled as it is printed, quotes included."""

import argparse
import ast
import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

import slimtune
from slimtune.sweeper.cli import main
from slimtune.sweeper.command_table import COMMANDS, COMPOSING, parser_of
from slimtune.sweeper.commands import compare
from slimtune.training.errors import UserError
from tests.cases.printed import LANGUAGES, PAGES, ROOT, WRITTEN, Block, blocks, is_command, shell_words, spans
from tests.cases.test_commands import Grammar, grammar, unquoted

__all__ = ["grammar"]
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMAND_BLOCKS = [block for block in BLOCKS if block.commands and block.page not in WRITTEN]
# modules of extras that a plain install has not, and of a reader's own
ELSEWHERE = {"onnxruntime_genai"}


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_there_are_blocks_of_every_kind() -> None:
    """So that a change of the form of pages does not leave them out."""
    assert len(COMMAND_BLOCKS) > 50
    assert len([block for block in BLOCKS if block.language == "python"]) > 8
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_command_hides_among_what_is_printed(page: Path) -> None:
    """A block is commands from its first line on, or has a `$` before each, or has none."""
    others = [block for block in blocks(page) if not block.commands and block.language in ("", "text")]
    hidden = [
        line
        for block in others
        for line in block.text.splitlines()
        if is_command(line.strip()) and line.split()[1:2] and line.split()[1] in COMMANDS
    ]
    assert page in WRITTEN or hidden == []


@pytest.mark.parametrize("block", COMMAND_BLOCKS, ids=str)
def test_a_block_of_commands_is_read_as_it_stands(block: Block, grammar: Grammar) -> None:
    assert [line for line in block.commands if not is_command(line)] == [], "neither a command nor all output"
    # a shell would make file names of these, and another one than bash an error
    assert [line for line in block.commands if set(unquoted(line.partition("  #")[0])) & set("[]{}*?")] == []
    commands = shell_words(block.commands)
    assert len(commands) >= len([line for line in block.commands if not line.startswith("export ")])
    assert [problem for words in commands for problem in problems_of_command(words, grammar)] == []


def problems_of_command(words: Sequence[str], grammar: Grammar) -> Iterator[str]:
    program, *arguments = words
    if program == "slimtune":
        yield from problems_of_slimtune(arguments, grammar)
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        yield from (f"make {word}: no target" for word in arguments if "=" not in word and word not in targets)
    elif program == "python":
        yield from problems_of_python(arguments)
    elif program == "bash":
        yield from (f"{word}: no such file" for word in arguments if not (ROOT / word).is_file())
    elif program == "mlflow":
        yield from problems_of_mlflow(arguments)


def problems_of_slimtune(arguments: Sequence[str], grammar: Grammar) -> Iterator[str]:
    """As the command's own parser reads it; overrides as Hydra does, of keys that there are."""
    word, *rest = arguments
    if word.startswith("--"):
        yield from () if word in ("--help", "--version") else (f"slimtune {word}: no such flag",)
        return
    if word not in COMMANDS:
        yield f"slimtune {word}: no such command"
        return
    if {"-h", "--help"} & set(rest):
        return
    rest = compare.with_signs(rest) if word == "compare" else rest
    parser = parser_of(word)
    parser.exit_on_error = False
    read = parser.parse_args if word in ("review", "adapters") else parser.parse_intermixed_args
    try:
        found, more = (parser.parse_known_args(rest)) if word == "resume" else (read(rest), [])
    except (SystemExit, argparse.ArgumentError, UserError) as error:
        yield f"slimtune {' '.join(arguments)}: {error}"
        return
    overrides = [*getattr(found, "override", []), *more]
    yield from (problem for one in overrides if (problem := grammar.problem(one)))
    # a file by its name alone is one that the reader has
    if word in COMPOSING and found.config and "/" in found.config:
        yield from () if (ROOT / found.config).is_file() else (f"{found.config}: no such file",)


def problems_of_python(arguments: Sequence[str]) -> Iterator[str]:
    first, *rest = arguments
    if first == "-m":
        yield from () if find_spec(rest[0]) else (f"python -m {rest[0]}: no such module",)
    elif first == "app.py":
        overrides = [word for word in rest if not word.startswith("-")]
        assert OverridesParser.create().parse_overrides(overrides)
    elif first.endswith(".py") and not (ROOT / first).is_file():
        yield f"python {first}: no such file"
    elif first == "-c":
        ast.parse(rest[0])


def problems_of_mlflow(arguments: Sequence[str]) -> Iterator[str]:
    """As MLflow's own command line reads it."""
    import click
    from mlflow.cli import cli

    command: click.Command = cli
    context = cli.make_context("mlflow", list(arguments), resilient_parsing=True)
    rest = list(arguments)
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        if found is None:
            yield f"mlflow {name}: no such command"
            return
        command, context = found, click.Context(found, info_name=name, parent=context)
    flags = {flag for parameter in command.params for flag in parameter.opts}
    yield from (f"mlflow {word}: no such flag" for word in rest if word.startswith("--") and word not in flags)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_command_in_a_sentence_is_one_that_there_is(page: Path) -> None:
    """With its flags; what is left out of it may be needed."""
    problems = []
    for span in (one for one in spans(page) if one.startswith("slimtune ")):
        (words,) = shell_words([span])[:1]
        word = words[1] if len(words) > 1 else "--help"
        if word in ("x", "...", "--help", "--version"):
            continue
        if word not in COMMANDS:
            problems.append(f"{span}: no such command")
            continue
        flags = flags_of(word)
        problems += [
            f"{span}: no flag {one}" for one in words[2:] if one.startswith("-") and one.partition("=")[0] not in flags
        ]
    # of older versions
    assert problems == [] or page.name == "CHANGELOG.md"


def flags_of(word: str) -> set[str]:
    found: set[str] = set()
    todo = [parser_of(word)]
    while todo:
        for action in todo.pop()._actions:
            found |= set(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                todo += list(action.choices.values())
    return found


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "python"], ids=str)
def test_a_snippet_of_python_compiles_and_finds_what_it_imports(block: Block) -> None:
    """Names that it takes from slimtune are there; `slimtune.<name>` is one of the promised ones."""
    tree = ast.parse(block.text)
    problems = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            problems += [
                f"no module {one.name}" for one in node.names if one.name not in ELSEWHERE and not find_spec(one.name)
            ]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module not in ELSEWHERE:
            module = import_module(node.module) if node.module.startswith("slimtune") else None
            problems += [
                f"{node.module} has no {one.name}" for one in node.names if module and not hasattr(module, one.name)
            ]
            problems += [] if find_spec(node.module) else [f"no module {node.module}"]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "slimtune":
            problems += [] if node.attr in slimtune.__all__ else [f"slimtune has no {node.attr}"]
    assert problems == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language in ("yaml", "json")], ids=str)
def test_a_snippet_of_a_config_is_yaml(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict | list)


def test_the_tutorial_begins_as_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its snippet writes the rows, and its second command says what the page says."""
    monkeypatch.chdir(tmp_path)
    of_page = list(blocks(ROOT / "docs/tutorial.md"))
    snippet = next(block for block in of_page if block.language == "python")
    exec(compile(snippet.text, str(snippet), "exec"), {})
    (place,) = (place for place, block in enumerate(of_page) if block.text.startswith("slimtune init"))
    ((_, *words),) = shell_words(of_page[place].commands)
    assert main(words) == 0
    assert capsys.readouterr().out.split() == of_page[place + 1].text.split()
