"""The pages of docs/reference/ say what types and parsers say."""

from pathlib import Path

import pytest

from slimtune.sweeper.command_table import COMMANDS, parser_of
from slimtune.sweeper.reference.command_page import actions_of, inner_parsers
from slimtune.sweeper.reference.key_defaults import MOST_VALUES, KeyDefault, key_defaults, told_values
from slimtune.sweeper.reference.key_facts import key_facts
from slimtune.sweeper.reference.key_page import cell
from slimtune.sweeper.reference.sections import SECTIONS
from tools.make_reference import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_in_step(name: str) -> None:
    """`make reference` writes them anew."""
    assert (Path(FOLDER) / name).read_text("utf-8") == PAGES[name](), "behind the code: run make reference"


@pytest.mark.parametrize("word", COMMANDS)
def test_every_argument_of_a_command_has_a_text(word: str) -> None:
    parsers = [parser_of(word), *(one for _, _, one in inner_parsers(parser_of(word)))]
    actions = [action for parser in parsers for action in actions_of(parser) if action.metavar != "make | read"]
    assert [action.dest for action in actions if not action.help] == []


def test_a_default_is_that_of_the_types_that_have_the_key() -> None:
    """LoRA's dropout is not that of a full fine-tuning; what options bring is told with them."""
    defaults = key_defaults(["method", "fit", "task"])
    section = {one.path: one for one in SECTIONS}
    told = {
        (fact.key, fact.kinds): told_values(defaults.of(section[fact.key.rpartition(".")[0]], fact))
        for fact in key_facts()
        if fact.key.startswith(("method", "fit", "task"))
    }
    assert told["method.dropout", ("full",)] == "null"
    assert told["method.dropout", ("lora",)] == "0"
    assert told["task.labels", ("extraction",)] == "null"
    (metric,) = (text for (key, _), text in told.items() if key == "task.metric")
    assert metric.startswith("accuracy; loss with task=custom, task=generation; f1 with task=extraction; perplexity")
    assert told["fit.learning_rate", ()].startswith("0.001; 5e-05 with method=full")


def test_a_default_that_each_option_has_another_of_says_so() -> None:
    others = {f"v{number}": [f"data=o{number}"] for number in range(MOST_VALUES + 1)}
    assert told_values(KeyDefault("file", others, "")) == "file; others with options of data"


def test_a_default_says_what_is_searched() -> None:
    defaults = key_defaults([])
    fact = next(fact for fact in key_facts() if fact.key == "fit.batch_size")
    section = next(one for one in SECTIONS if one.path == "fit")
    assert defaults.of(section, fact).searched == "[8, 16, 32]"


def test_a_cell_ends_where_it_ends() -> None:
    """A bar would begin the next one, and a tag would not be shown; code is shown as it is."""
    assert cell("a|b <n>\nand `<n>`") == "a\\|b \\<n> and `<n>`"
