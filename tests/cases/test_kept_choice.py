"""An app's sweep that is resumed goes on with the sampler that `auto` took at first."""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import DictConfig

from slimtune.sweeper.search.study_spec import chosen_sampler
from slimtune.sweeper.study import load_study_trials
from slimtune.sweeper.study.record import SAMPLER
from tests.cases.plugin_app import HEAD, VALUES, App, app_fixture

__all__ = ["app_fixture"]
PARAMS = "hydra:\n  sweeper:\n    search: {direction: minimize}\n    params: {x: 'range(0, 3)', y: 'choice(0, 1)'}\n"


def interrupted_once() -> Callable[[DictConfig], float]:
    """A task function that a person interrupts in its second trial."""
    calls: list[None] = []

    def task(cfg: DictConfig) -> float:
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return float(cfg.x + cfg.y)

    return task


def points(made: App, folder: str) -> list[dict[str, Any]]:
    """Of all trials of the budget, in its order."""
    trials = load_study_trials(f"sqlite:///{made.folder / folder / 'study.db'}", "app").trials
    return [dict(trial.params) for trial in sorted(trials, key=lambda trial: int(trial.attrs["index"]))]


def test_a_resumed_sweep_keeps_the_sampler_that_was_chosen_first(
    app: Callable[..., App], capsys: pytest.CaptureFixture[str]
) -> None:
    """A grid fits six trials over six points; five are given to a Gaussian process where nobody has begun."""
    auto, fewer = "hydra.sweeper.search.sampler=auto", "hydra.sweeper.n_trials=5"
    made = app(HEAD + PARAMS + VALUES, interrupted_once())
    assert chosen_sampler(made.read(auto, fewer)).sampler.name == "gp"
    with pytest.raises(KeyboardInterrupt):
        made.sweep(auto, "hydra.sweeper.n_trials=6")
    capsys.readouterr()
    made.sweep(auto, fewer)
    assert "search/sampler=auto takes grid: the sweep was begun with it" in capsys.readouterr().out
    attrs = load_study_trials(f"sqlite:///{made.folder / 'out' / 'study.db'}", "app").attrs
    assert (attrs[SAMPLER]["n_trials"], attrs[SAMPLER]["sampler"]["name"]) == (6, "grid")
    # in the workers too: its points are those of a grid, in the order of one that nobody interrupted
    made.sweep("hydra.sweeper.search.sampler=grid", fewer, "hydra.sweep.dir=grid")
    assert points(made, "out") == points(made, "grid")
