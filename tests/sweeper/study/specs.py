"""What a study of the tests is opened with, and the loop of its worker."""

from pathlib import Path
from typing import Any

from slimtune.sweeper.pruner_config import NoPruning
from slimtune.sweeper.sampler_config import RandomSearch, SamplerConfig, TpeSearch
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.spec import StudySpec

SPACE = {"x": FloatRange(0.0, 1.0), "n": IntRange(1, 8), "c": Choice(("a", "b"))}
RANDOM, TPE = (
    RandomSearch(name="random"),
    TpeSearch(name="tpe", n_startup_trials=3, n_ei_candidates=24, multivariate=True, group=False),
)


def spec_of(**changes: Any) -> StudySpec:
    """Random search for the most of something, without pruning; at least `storage` is to be given."""
    values: dict[str, Any] = {
        "name": "s",
        "n_trials": 8,
        "seed": 0,
        "sampler": RandomSearch(name="random"),
        "pruner": NoPruning(name="none"),
        "rungs": Rungs(eval_every=10, longest=40),
        "stop_hopeless": False,
        "space": SearchSpace({}),
        "max_retries": 1,
    }
    return StudySpec(**(values | changes))


def make_spec(folder: Path, *, n_trials: int = 4, sampler: SamplerConfig = RANDOM) -> StudySpec:
    storage = f"sqlite:///{folder / 'study.db'}"
    return spec_of(storage=storage, n_trials=n_trials, sampler=sampler, space=SearchSpace(SPACE))


def run_all(study: Study) -> list[dict[str, object]]:
    """A worker's loop over a function of the parameters."""
    params = []
    with Lease(study) as lease:
        while (asked := study.ask(lease.worker)) is not None:
            params.append(asked.params)
            study.complete(asked.number, float(asked.params["x"]))  # type: ignore[arg-type]
    return params
