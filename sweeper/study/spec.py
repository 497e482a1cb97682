"""Everything that a study is opened with."""

from dataclasses import dataclass, field

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.pruner_config import PrunerConfig
from slimtune.sweeper.sampler_config import DrawnSampler
from slimtune.sweeper.search_config import Rungs, StopRules, TrialLimits
from slimtune.sweeper.space.search_space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec:
    """Everything a worker needs to join a study.

    Attributes:
        name: The study's name in its storage.
        storage: The storage's URL.
        n_trials: Total budget.
        seed: Fixes the suggestions.
        sampler: How trials are suggested.
        pruner: How trials are stopped.
        rungs: What the pruner's bounds are taken from.
        stop_hopeless: Stop a trial that cannot reach the best one any more.
        space: What is suggested.
        stop_rules: When no further trial begins, though the budget is not gone.
        max_retries: How often a lost trial is tried again.
        limits: How long a trial may take.
        goals: What is made best, with constraints and what is picked.
        enqueued_only: Whether trials are those that are enqueued, however many, and none is suggested.
    """

    name: str
    storage: str
    n_trials: int
    seed: int
    sampler: DrawnSampler
    pruner: PrunerConfig
    rungs: Rungs
    stop_hopeless: bool
    space: SearchSpace
    max_retries: int
    stop_rules: StopRules = field(default_factory=StopRules)
    limits: TrialLimits = field(default_factory=TrialLimits)
    goals: Goals = field(default_factory=Goals)
    enqueued_only: bool = False
