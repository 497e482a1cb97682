from collections.abc import Callable
from pathlib import Path
from typing import Any

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine.evaluations.evaluation_history import EvaluationHistory
from slimtune.training.trial import Completed, describe


def test_a_trial_that_waits_no_longer_says_by_which_key(config_of: Callable[..., dict[str, Any]]) -> None:
    history = EvaluationHistory(parse_trial(config_of("fit.patience=2")).section)
    assert history.update(0.5)
    assert history.early_end is None
    history.best = Completed({"objective": 0.5}, Path("best"))
    history.update(0.5)
    assert history.early_end is None
    history.update(0.4)
    assert history.early_end == Completed({"objective": 0.5}, Path("best"), "fit.patience")
    assert describe(history.early_end) == "completed (ended by fit.patience), objective 0.5"
    # at its end it is the best one that counts
    assert describe(history.best) == "completed, objective 0.5"
