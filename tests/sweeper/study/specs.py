"""What a study of the tests is opened with."""

from typing import Any

from slimtune.sweeper.pruner_config import NoPruning
from slimtune.sweeper.sampler_config import RandomSearch
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study.spec import StudySpec


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
