from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from omegaconf import OmegaConf

from slimtune.sweeper.goals.goals import goals_of
from slimtune.sweeper.search.trials.trial_source import NAME, StudyTrial, TrialGroup, short_params
from slimtune.sweeper.space.dimension import Scalar
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import AskedTrial, Study
from slimtune.sweeper.study.record import ENDED_BY, OF_TRIAL, RESULT
from slimtune.training.trial import Completed


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"fit.learning_rate": 0.000182, "method.r": 8, "fit.batch_size": 16}, "1.8e-4 r8 b16"),
        ({"method": "lora", "fit.schedule": "cosine"}, "method=lora schedule=cosine"),
        ({"fit.warmup_share": 0.0612}, "warmup_share=6.1e-2"),
    ],
)
def test_run_names_fit_the_ui(params: dict[str, Scalar], name: str) -> None:
    assert short_params(params) == name


@pytest.mark.parametrize(("attrs", "trial"), [({}, "1"), ({OF_TRIAL: 0, NAME: "t00 seed 1"}, "0")])
def test_a_run_is_tagged_with_the_trial_of_the_search(attrs: dict[str, Any], trial: str, tmp_path: Path) -> None:
    """Also that of a rerun, whose own number counts reruns."""
    group = TrialGroup(experiment="tone", kind="trial", folder=tmp_path, parent_run_id=None)
    asked = AskedTrial(1, {}, attrs)
    # making one asks for nothing else of the study
    study = cast(Study, SimpleNamespace(spec=SimpleNamespace(space=SearchSpace())))
    made = StudyTrial(study, asked, composed=OmegaConf.create({}), group=group)
    assert made.lineage.tags["trial"] == trial


@pytest.mark.parametrize("ended_by", [None, "fit.patience"])
def test_what_ended_a_trial_early_is_kept_with_it(ended_by: str | None, tmp_path: Path) -> None:
    group = TrialGroup(experiment="tone", kind="trial", folder=tmp_path, parent_run_id=None)
    kept: dict[str, Any] = {}
    study: Any = SimpleNamespace(
        spec=SimpleNamespace(space=SearchSpace(), goals=goals_of([True])),
        set_trial_attr=lambda _, name, value: kept.update({name: value}),
        complete=lambda *_, **__: None,
    )
    trial = StudyTrial(study, AskedTrial(1, {}, {}), composed=OmegaConf.create({}), group=group)
    trial.finish(Completed({"objective": 0.5}, tmp_path / "best", ended_by))
    assert kept.get(ENDED_BY) == ended_by
    assert kept[RESULT]["objective"] == 0.5
