from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.sweeper.goals.goals import goals_of
from slimtune.sweeper.sampler_config import AutoSearch
from slimtune.sweeper.search.choose_sampler import choose_sampler, sampler_notes
from slimtune.sweeper.search.study_spec import chosen_sampler
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.search_space import Branch, SearchSpace
from tests.sweeper.study.test_samplers import sampler_of

AUTO = AutoSearch(name="auto")
NUMBERS = SearchSpace({"lr": FloatRange(1e-5, 1e-2, log=True), "n": IntRange(1, 8)})
MIXED = SearchSpace({"lr": FloatRange(1e-5, 1e-2, log=True), "c": Choice(("a", "b"))})
MANY = SearchSpace({"lr": FloatRange(1e-5, 1e-2, log=True), "c": Choice(tuple("abcdefghijkl"))})
FINITE = SearchSpace({"n": IntRange(1, 4), "c": Choice(("a", "b"))})
CONDITIONAL = SearchSpace(
    {"m": Choice(("a", "b")), "lr": FloatRange(0.0, 1.0)},
    (Branch(choices={"m": "a"}, space={"r": IntRange(1, 8)}, fixed=()), Branch(choices={"m": "b"}, space={}, fixed=())),
)


@pytest.mark.parametrize(
    ("space", "n_trials", "num_objectives", "name", "why"),
    [
        (FINITE, 8, 1, "grid", "8 points"),
        (FINITE, 7, 1, "gp", "2 dimensions, each further option of a choice being one, and 7 trials"),
        (NUMBERS, 20, 1, "gp", "fewest"),
        (NUMBERS, 200, 1, "tpe", "too many"),
        (NUMBERS, 2000, 1, "cmaes", "enough for generations"),
        (MIXED, 20, 1, "gp", "fewest"),
        (MIXED, 200, 1, "tpe", "choices are not evolved"),
        (MIXED, 2000, 1, "tpe", "choices are not evolved"),
        (MANY, 20, 1, "tpe", "12 dimensions"),
        (CONDITIONAL, 20, 1, "tpe", "conditional"),
        (NUMBERS, 200, 2, "nsga2", "2 objectives"),
        (NUMBERS, 200, 4, "nsga3", "4 objectives"),
    ],
)
def test_auto_says_what_it_takes_and_why(
    space: SearchSpace, n_trials: int, num_objectives: int, name: str, why: str
) -> None:
    chosen = choose_sampler(AUTO, space, n_trials=n_trials, num_objectives=num_objectives)
    assert chosen.sampler.name == name
    assert why in (chosen.why or "")
    assert any(f"auto takes {name}" in note and why in note for note in sampler_notes(chosen, space, n_trials=n_trials))


@pytest.mark.parametrize(("ways", "name"), [([True], "tpe"), ([True, False], "nsga2")])
def test_auto_counts_the_objectives_of_the_search(ways: list[bool], name: str) -> None:
    """Those of a list of directions."""
    search = SimpleNamespace(sampler=AUTO, config=SimpleNamespace(n_trials=200), goals=goals_of(ways))
    request: Any = SimpleNamespace(search=search, space=NUMBERS)
    assert chosen_sampler(request).sampler.name == name


def test_a_conditional_space_gets_groups() -> None:
    assert getattr(choose_sampler(AUTO, CONDITIONAL, n_trials=20).sampler, "group", None) is True


def test_what_is_asked_for_is_taken() -> None:
    tpe = sampler_of("tpe")
    assert choose_sampler(tpe, FINITE, n_trials=100) == (tpe, None)


@pytest.mark.parametrize(
    ("name", "space", "n_trials", "told"),
    [
        ("nsga2", NUMBERS, 4, "all trials are of the first generation"),
        ("gp", NUMBERS, 4, "no trial learns from those before it"),
        ("cmaes", MIXED, 40, "draws c at random"),
        ("grid", FINITE, 4, "8 points, of which 4 are tried"),
    ],
)
def test_what_a_person_should_know_is_told_before_the_first_trial(
    name: str, space: SearchSpace, n_trials: int, told: str
) -> None:
    (note,) = sampler_notes(choose_sampler(sampler_of(name), space, n_trials=n_trials), space, n_trials=n_trials)
    assert told in note


@pytest.mark.parametrize(
    ("name", "space", "n_trials", "repair"),
    [
        (
            "tpe",
            NUMBERS,
            4,
            "try more (search.n_trials, or later slimtune resume), or draw fewer (search.sampler.n_startup_trials=2), "
            "or spread them evenly (search/sampler=qmc)",
        ),
        (
            "gp",
            MIXED,
            4,
            "try more (search.n_trials, or later slimtune resume), or draw fewer (search.sampler.n_startup_trials=2)",
        ),
        ("auto", MIXED, 4, "try more (search.n_trials, or later slimtune resume)"),
        ("gp", NUMBERS, 1, "try more (search.n_trials, or later slimtune resume)"),
    ],
)
def test_where_no_trial_learns_it_is_told_what_to_do(name: str, space: SearchSpace, n_trials: int, repair: str) -> None:
    chosen = choose_sampler(sampler_of(name), space, n_trials=n_trials)
    note = [*sampler_notes(chosen, space, n_trials=n_trials)][-1]
    assert note.partition("; ")[2] == repair


@pytest.mark.parametrize("name", ["random", "qmc", "tpe", "gp", "cmaes", "nsga3", "grid"])
def test_what_is_as_it_should_be_is_not_told(name: str) -> None:
    chosen = choose_sampler(sampler_of(name), NUMBERS, n_trials=40)
    assert list(sampler_notes(chosen, NUMBERS, n_trials=40)) == []
