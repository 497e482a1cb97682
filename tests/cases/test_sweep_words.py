"""Hydra's sweep syntax means what it says, and values arrive as they were written."""

from collections.abc import Iterator

import hydra
import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from slimtune.sweeper.space.dimension import Choice, IntRange
from slimtune.sweeper.space.override_text import choice_value, chosen_value, override
from slimtune.sweeper.space.read_space import read_space
from slimtune.sweeper.space.sweep_syntax import first_options, read_arguments
from slimtune.training.errors import ConfigError
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    with hydra.initialize_config_module("slimtune.conf", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


# shuffle


@pytest.mark.parametrize("sweep", ["x=shuffle(range(1,9))", "x=shuffle(1,2,3,4,5,6,7,8)", "x=shuffle(range(8,0,-1))"])
def test_s2_what_is_shuffled_is_drawn_once_and_kept(loader: ConfigLoader, sweep: str) -> None:
    """Each worker and a resumed sweep read the same order; another seed draws another one."""
    first, again, other = (read_arguments([sweep], loader, seed=seed).space["x"] for seed in (0, 0, 1))
    assert first == again != other
    assert isinstance(first, Choice)
    assert sorted(first.values) == list(range(1, 9)) != list(first.values)


def test_s2_a_shuffled_list_is_the_same_list_in_every_trial(loader: ConfigLoader) -> None:
    given = read_arguments(["x=shuffle([1,'2',three])"], loader)
    assert given == read_arguments(["x=shuffle([1,'2',three])"], loader)
    assert given.drawn
    (line,) = given.fixed
    assert "shuffle" not in line
    assert set(OverridesParser.create().parse_override(line).value()) == {1, "2", "three"}  # type: ignore[arg-type]


def test_s2_the_config_of_a_sweep_has_the_list_as_its_trials_have_it(request_of: RequestOf) -> None:
    line = "method.target_modules=shuffle([a,b,c,d,e,f,g,h])"
    requests = [request_of(line, "fit.batch_size=8") for _ in range(2)]
    assert requests[0].values["method"] == requests[1].values["method"]
    assert requests[0].app.config.method.target_modules == requests[0].values["method"]["target_modules"]


def test_s2_a_shuffled_group_composes_in_its_own_order(loader: ConfigLoader) -> None:
    assert first_options(["method=shuffle(lora,full,ia3)"], loader) == ["method=lora"]


# tags


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("x=tag(logarithmic,interval(1,9))", "'logarithmic' is no tag that is known"),
        ("x=tag(lr,choice(1,2))", "'lr' is no tag that is known"),
        ("x=tag(log,choice(1,2))", "the tag log is for intervals"),
        ("x=tag(log,range(0.1,1,0.1))", "the tag log is for intervals"),
        ("x=tag(log,shuffle(range(1,9)))", "has no tag log"),
        ("x=int(tag(log,range(1,9)))", "the tag is lost within a cast"),
        ("x=sort(shuffle(range(1,9)),reverse=true)", None),
        ("x=float(shuffle(range(1,9)))", "the shuffling is lost within a cast"),
    ],
)
def test_s2_a_tag_that_means_nothing_is_told(loader: ConfigLoader, sweep: str, said: str | None) -> None:
    if said is None:
        assert read_arguments([sweep], loader).space
        return
    with pytest.raises(ConfigError, match=said):
        read_arguments([sweep], loader)


def test_s2_words_in_quotes_are_no_tags(loader: ConfigLoader) -> None:
    assert read_arguments(["x='tag(a)','shuffle(b)'"], loader).space == {"x": Choice(("tag(a)", "shuffle(b)"))}
    assert read_arguments(["x=int(tag(log,interval(1,9)))"], loader).space == {"x": IntRange(1, 9, log=True)}


# deletions and repetitions


def test_s2_a_deleted_key_is_not_searched(request_of: RequestOf) -> None:
    request = request_of("~space.fit.batch_size", "~space.method")
    assert request.space.searched_keys() == ["fit.learning_rate"]


def test_s2_the_later_of_two_for_one_key_holds(loader: ConfigLoader) -> None:
    given = read_arguments(["x=1", "x=1,2", "y=1,2", "y=3", "z=1,2", "~z"], loader)
    assert given.space == {"x": Choice((1, 2))}
    assert given.fixed == ["y=3", "~z"]
    assert given.fixed_keys == {"y", "z"}


def test_s2_a_group_keeps_its_package_and_its_plus(loader: ConfigLoader) -> None:
    given = read_arguments(["method@other=lora,full", "+task=glob(c*)"], loader)
    assert given.space == {
        "method@other": Choice(("lora", "full")),
        "+task": Choice(("classification", "custom")),
    }
    assert override("+task", "custom", is_group=True) == "+task=custom"


# what Hydra would read as something else

ODD = [
    "{input} is",
    "[",
    "{a:1}",
    "'quoted'",
    '"',
    "a,b",
    "x=y",
    "naïve",
    "1",
    "null",
    "$x",
    "a b ",
    "\\",
    "choice(1,2)",
]


@pytest.mark.parametrize("text", ODD)
def test_s2_a_text_arrives_as_it_was_written(loader: ConfigLoader, text: str) -> None:
    value = choice_value(text)
    assert chosen_value(value) == text
    assert OverridesParser.create().parse_override(override("a.b", value, is_group=False)).value() == text
    assert read_space({"x": {"type": "choice", "values": [text]}}).space == {"x": Choice((value,))}


def test_s2_lists_and_mappings_are_no_texts() -> None:
    assert choice_value(["a", 1]) == "[a,1]"
    assert choice_value("[a,1]") == "'[a,1]'"
    assert chosen_value("[a,1]") == ["a", 1]


def test_s2_templates_can_be_searched(request_of: RequestOf) -> None:
    """Although one begins with a brace, as a mapping does."""
    task = ("task=generation", "data.text_column=text", "data.target_column=label", "model=tiny_llama", "method=full")
    own, other = "{text} is {label}", "Q: {text} A: {label}"
    request = request_of(*task, f"data.text_template='{other}','{own}'")
    assert request.space.common["data.text_template"] == Choice((other, f"'{own}'"))
