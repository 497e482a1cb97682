"""Objectives, constraints and stop rules of a Hydra app of the user's own."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig

from tests.cases.test_plugin_config import HEAD, App, app, refused, trials_of

__all__ = ["app"]
SEARCH = """
hydra:
  sweeper:
    search:
      n_trials: 9
      objectives: [{metric: error, direction: minimize}, {metric: size, direction: minimize}]
      constraints: {size: {max: 5}}
      PICK
    params: {x: 'range(0, 9)'}
x: 1
"""


def task(cfg: DictConfig) -> dict[str, float]:
    return {"error": (cfg.x - 6) ** 2, "size": cfg.x, "unused": 1}


@pytest.mark.parametrize(("pick", "x"), [("", 5), ("pick: {best: size, within: {error: 3}}", 4), ("pick: knee", 2)])
def test_named_numbers_are_returned_and_one_is_picked(app: Callable[..., App], pick: str, x: int) -> None:
    """What breaks the constraint is no solution, though nothing is better."""
    made = app(HEAD + SEARCH.replace("PICK", pick), task)
    results = made.sweep()
    assert sorted(solution["params"]["x"] for solution in results["solutions"]) == [0, 1, 2, 3, 4, 5]
    assert results["picked"]["params"]["x"] == x
    broken = [trial for trial in trials_of(made, "app") if max(trial.constraints.values()) > 0]
    assert sorted(trial.params["x"] for trial in broken) == [6, 7, 8]


def test_what_is_missing_of_the_numbers_is_told(app: Callable[..., App]) -> None:
    made = app(HEAD + SEARCH.replace("PICK", ""), lambda cfg: {"error": cfg.x})
    made_trials: list[Any] = []
    with pytest.raises(FileNotFoundError):
        made.sweep()
    made_trials = trials_of(made, "app")
    assert {trial.state for trial in made_trials} == {optuna.trial.TrialState.FAIL}
    assert "the task function returned error, without size" in made_trials[0].user_attrs["message"]


def test_one_number_may_be_bounded_by_the_time_it_takes(app: Callable[..., App]) -> None:
    """An app need not measure it."""
    text = HEAD + "hydra:\n  sweeper:\n    direction: minimize\n    n_trials: 4\n    params: {x: 'range(0, 4)'}\n"
    made = app(text + "    search: {constraints: {seconds: {max: 100}}}\nx: 1\n", lambda cfg: cfg.x)
    assert made.sweep()["best_value"] == 0
    assert {key for trial in trials_of(made, "app") for key in trial.constraints} == {"seconds"}


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["hydra.sweeper.direction=minimize"], "has objectives and direction; leave direction out"),
        (["hydra.sweeper.search.sampler=cmaes"], "search.sampler is cmaes, which knows one objective, and there are 2"),
        (
            ["hydra.sweeper.search.pruner=median"],
            "search.pruner is median, but trials are compared while they are trained",
        ),
        (["hydra.sweeper.search.target=3"], "there are several objectives; name them, e.g. {error: 3}"),
    ],
)
def test_what_does_not_go_together_is_told_before_the_first_trial(
    app: Callable[..., App],
    overrides: list[str],
    said: str,
) -> None:
    assert said in refused(app(HEAD + SEARCH.replace("PICK", ""), task), *overrides)


def test_a_target_of_each_objective_ends_the_search(app: Callable[..., App]) -> None:
    made = app(HEAD + SEARCH.replace("PICK", "target: {error: 9, size: 4}"), task)
    made.sweep()
    ended = trials_of(made, "app")
    last = ended[-1]
    assert last.params["x"] in (3, 4)
    assert all(trial.params["x"] not in (3, 4) for trial in ended[:-1])


def test_other_goals_are_another_search(app: Callable[..., App]) -> None:
    from slimtune.training.errors import StoreError

    made = app(HEAD + SEARCH.replace("PICK", ""), task)
    made.sweep()
    with pytest.raises(StoreError, match="begun with other goals"):
        made.sweep("hydra.sweeper.search.constraints.size.max=7")
