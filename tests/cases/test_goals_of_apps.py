"""Objectives, constraints and stop rules of a Hydra app of the user's own."""

from collections.abc import Callable

import optuna
import pytest
from omegaconf import DictConfig

from slimtune.training.errors import StoreError
from tests.cases.plugin_app import HEAD, App, app_fixture  # noqa: F401
from tests.cases.test_plugin_config import refused, trials_of

SEARCH = """
hydra:
  sweeper:
    search:
      n_trials: 8
      objectives: [{metric: error, direction: minimize}, {metric: size, direction: minimize}]
      constraints: {size: {max: 5}}
    params: {x: 'range(0, 8)'}
x: 1
"""


def task(cfg: DictConfig) -> dict[str, float]:
    return {"error": (cfg.x - 6) ** 2, "size": cfg.x, "unused": 1}


def test_named_numbers_are_returned_and_one_is_picked(app: Callable[..., App]) -> None:
    """What breaks the constraint is no solution, though nothing is better; another rule picks anew of the same trials;
    other bounds are another search.
    """
    made = app(HEAD + SEARCH, task)
    results = made.sweep()
    assert sorted(solution["params"]["x"] for solution in results["solutions"]) == [0, 1, 2, 3, 4, 5]
    assert results["picked"] == {"params": {"x": 5}, "values": [1.0, 5.0]}
    trials = trials_of(made, "app")
    assert sorted(trial.params["x"] for trial in trials if max(trial.constraints.values()) > 0) == [6, 7]
    for pick, x in (("{best: size, within: {error: 3}}", 4), ("knee", 2)):
        picked = made.sweep(f"hydra.sweeper.search.pick={pick}")["picked"]
        assert picked["params"]["x"] == x
    assert len(trials_of(made, "app")) == len(trials)
    with pytest.raises(StoreError, match="begun with other goals"):
        made.sweep("hydra.sweeper.search.constraints.size.max=7")


def test_what_is_missing_of_the_numbers_is_told(app: Callable[..., App]) -> None:
    made = app(HEAD + SEARCH, lambda cfg: {"error": cfg.x})
    with pytest.raises(FileNotFoundError):
        made.sweep("hydra.sweeper.search.n_trials=1")
    made_trials = trials_of(made, "app")
    assert {trial.state for trial in made_trials} == {optuna.trial.TrialState.FAIL}
    assert "the task function returned error, without size" in made_trials[0].user_attrs["message"]


def test_one_number_may_be_bounded_by_the_time_it_takes(app: Callable[..., App]) -> None:
    """An app need not measure it."""
    text = HEAD + "hydra:\n  sweeper:\n    direction: minimize\n    n_trials: 2\n    params: {x: 'range(0, 2)'}\n"
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
    assert said in refused(app(HEAD + SEARCH, task), *overrides)


def test_a_target_of_each_objective_ends_the_search(app: Callable[..., App]) -> None:
    made = app(HEAD + SEARCH, task)
    made.sweep("hydra.sweeper.search.target={error: 9, size: 4}")
    ended = trials_of(made, "app")
    last = ended[-1]
    assert last.params["x"] in (3, 4)
    assert all(trial.params["x"] not in (3, 4) for trial in ended[:-1])
