from types import SimpleNamespace
from typing import Any

import optuna

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.sampler_config import AutoSearch, SamplerConfig
from slimtune.sweeper.search.choose_sampler import choose_sampler, named_sampler, sampler_notes
from slimtune.sweeper.search.kept_sampler import kept_sampler
from slimtune.sweeper.search.study_spec import chosen_sampler
from slimtune.sweeper.space.dimension import Choice, FloatRange, Space
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Study
from slimtune.sweeper.study.record import SAMPLER
from tests.sweeper.study.test_samplers import study_of

AUTO = AutoSearch(name="auto")
MIXED: Space = {"x": FloatRange(0.0, 1.0), "c": Choice(("a", "b"))}


class Sweep:
    """Runs of one sweep."""

    def __init__(self, asked: SamplerConfig = AUTO, space: Space = MIXED) -> None:
        self._storage, self._asked, self._space = optuna.storages.InMemoryStorage(), asked, SearchSpace(space)

    def request(self, n_trials: int) -> Any:
        config = SimpleNamespace(n_trials=n_trials)
        return SimpleNamespace(
            search=SimpleNamespace(sampler=self._asked, config=config, goals=Goals()), space=self._space
        )

    def opened(self, n_trials: int) -> Study:
        chosen = choose_sampler(self._asked, self._space, n_trials=n_trials).sampler
        return study_of(chosen, self._space, n_trials=n_trials, storage=self._storage)

    def kept(self, n_trials: int) -> str:
        """What this run goes on with."""
        return kept_sampler(self.opened(n_trials), self.request(n_trials)).name


def test_a_resumed_sweep_goes_on_with_what_was_chosen() -> None:
    """Also where another choice would be made today; a smaller budget is none."""
    sweep = Sweep()
    assert sweep.kept(20) == "gp"
    sweep.opened(20).set_attr(SAMPLER, {"n_trials": 20, "sampler": {"name": "random"}})
    assert [sweep.kept(20), sweep.kept(9)] == ["random", "random"]


def test_a_larger_budget_is_chosen_for_anew() -> None:
    """And kept then."""
    sweep = Sweep()
    assert [sweep.kept(20), sweep.kept(200), sweep.kept(150)] == ["gp", "tpe", "tpe"]


def test_a_sampler_that_is_named_is_taken() -> None:
    sweep = Sweep(named_sampler("random"))
    assert sweep.kept(20) == "random"
    assert SAMPLER not in sweep.opened(20).attrs()


def test_a_person_is_told_which_one_it_is() -> None:
    request = Sweep().request(20)
    (note,) = sampler_notes(chosen_sampler(request, named_sampler("random")), request.space, n_trials=20)
    assert note == "search/sampler=auto takes random: the sweep was begun with it"
