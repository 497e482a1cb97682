"""What trials cost: measured before they are trained, once for models that are alike."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from slimtune.sweeper.goals.goals import Constraint, Goals, Objective
from slimtune.sweeper.search.trials.trial_source import StudySource, TrialGroup
from slimtune.sweeper.space.dimension import Choice
from slimtune.sweeper.study import Lease, Study, TrialState
from slimtune.sweeper.study.record import BEFORE, LOST
from slimtune.training.errors import ModelError
from slimtune.training.trial import Completed, FailureKind, Pruned, Report
from tests.sweeper.study.test_samplers import sampler_of, study_of

SPACE = {"layers": Choice((2, 4, 8)), "lr": Choice((0.1, 0.2))}
OBJECTIVES = (Objective("accuracy", True), Objective("latency_ms", False))
SCORES = {"objective": 0.5, "validation/accuracy": 0.5, "validation/loss": 1.0}


class Meter:
    """Ten megabytes a layer; each look at the clock gives another time."""

    def __init__(self) -> None:
        self.num_timed = 0

    def look(self, values: Any) -> Any:
        layers = values["layers"]
        if layers == 4:
            raise ModelError("four layers are not there")
        return SimpleNamespace(architecture=f"a{layers}", size_mb=10.0 * layers, trained_parameters=7)

    def latency_ms(self, _: Any) -> float:
        self.num_timed += 1
        return 100.0 + self.num_timed


def study_with(objectives: tuple[Objective, ...] = OBJECTIVES, *constraints: Constraint) -> Study:
    return study_of(
        sampler_of("grid"),
        SPACE,
        n_trials=6,
        goals=Goals(objectives, constraints),
    )


def trials_of(study: Study, meter: Meter, folder: Path) -> Any:
    """Each trial that is to be trained."""
    group = TrialGroup(experiment="tone", kind="trial", folder=folder, parent_run_id=None)
    with Lease(study) as lease:
        source = StudySource(
            study,
            lease,
            compose=lambda asked: OmegaConf.create(dict(asked.params)),
            group=group,
            num_workers=1,
            meter=meter,  # type: ignore[arg-type]
        )
        while (trial := source.next()) is not None:
            yield trial


def test_models_that_are_alike_are_timed_once(tmp_path: Path) -> None:
    """Trials that differ in a learning rate must not differ in speed by chance; the tracker has what was measured."""
    study, meter = study_with(), Meter()
    for trial in trials_of(study, meter, tmp_path):
        assert trial.lineage.costs.keys() == {"latency_ms"}
        trial.finish(Completed(SCORES, tmp_path))
    complete = [trial for trial in study.shown() if trial.state is TrialState.complete]
    assert meter.num_timed == 2
    assert len(complete) == 4
    assert len({(trial.params["layers"], *trial.values) for trial in complete}) == 2


def test_a_model_that_cannot_be_looked_at_is_a_failed_trial(tmp_path: Path) -> None:
    study = study_with()
    for trial in trials_of(study, Meter(), tmp_path):
        trial.finish(Completed(SCORES, tmp_path))
    failed = [trial for trial in study.shown() if trial.state is TrialState.failed]
    assert {(trial.kind, trial.params["layers"]) for trial in failed} == {("bad-config", 4)}
    assert "four layers are not there" in failed[0].attrs["message"]


def test_what_breaks_a_constraint_is_not_trained(tmp_path: Path) -> None:
    """It takes its place of the budget, and the sampler learns of it."""
    study = study_with(OBJECTIVES[:1], Constraint("size_mb", None, 30.0))
    trained = []
    for trial in trials_of(study, Meter(), tmp_path):
        trained.append(trial.config["layers"])
        trial.finish(Completed(SCORES, tmp_path))
    assert trained == [2, 2]
    large = [trial for trial in study.shown() if trial.params["layers"] == 8]
    assert [trial.standing for trial in large] == ["infeasible"] * 2
    assert large[0].attrs["message"] == "not trained: size_mb is 80, above search.constraints.size_mb.max (30)"
    assert [trial.params["layers"] for trial in study.ranked()] == [2, 2]


def test_scores_are_bounded_when_they_are_known(tmp_path: Path) -> None:
    study = study_with(OBJECTIVES[:1], Constraint("loss", None, 0.9))
    for trial in trials_of(study, Meter(), tmp_path):
        trial.finish(Completed(SCORES, tmp_path))
    assert study.ranked() == []
    assert {trial.standing for trial in study.shown() if trial.values} == {"infeasible"}


def test_what_nothing_gives_fails_the_trial_with_what_there_is(tmp_path: Path) -> None:
    study = study_with((Objective("mine", True),))
    next(trials_of(study, Meter(), tmp_path)).finish(Completed(SCORES, tmp_path))
    messages = [trial.attrs.get("message", "") for trial in study.shown()]
    assert any("nothing gives mine; there are accuracy, loss, objective, seconds" in message for message in messages)


@pytest.mark.parametrize("most", [0.0, 1e6])
def test_a_trial_that_takes_too_long_is_stopped(most: float, tmp_path: Path) -> None:
    """And with several objectives nothing else stops one."""
    study = study_with((*OBJECTIVES[:1], Objective("loss", False)), Constraint("seconds", None, most))
    trial = next(trials_of(study, Meter(), tmp_path))
    verdict = trial.report(10, Report(objective=0.5, progress=0.5, scores=SCORES))
    assert verdict.stop is (most == 0.0)
    if verdict.stop:
        assert "above search.constraints.seconds.max (0)" in verdict.reason
        trial.finish(Pruned(10, verdict.reason))
        assert study.shown()[trial.number].standing == "infeasible"


def test_a_retry_goes_on_with_the_seconds_of_its_attempts(tmp_path: Path) -> None:
    """Tables have the same seconds as the goal; and its model is not timed again."""
    study, meter = study_with((*OBJECTIVES, Objective("seconds", False))), Meter()
    first = next(trials_of(study, meter, tmp_path))
    study.set_trial_attr(first.number, BEFORE, 1000.0)
    study.lose(first.number)
    again = next(trials_of(study, meter, tmp_path))
    assert again.lineage.seconds_before >= 1000.0
    again.finish(Completed(SCORES, tmp_path))
    (done,) = [trial for trial in study.shown() if trial.state is TrialState.complete]
    (lost,) = [trial for trial in study.trials() if trial.kind == LOST]
    assert done.values[2] >= lost.seconds
    assert lost.seconds >= done.seconds_before - 1e-6
    assert 1000.0 <= done.seconds_before <= done.values[2] <= done.seconds
    assert meter.num_timed == 1


def test_another_metric_than_the_tasks_is_what_pruners_see(tmp_path: Path) -> None:
    study = study_with((Objective("loss", False),))
    trial = next(trials_of(study, Meter(), tmp_path))
    trial.report(10, Report(objective=0.5, progress=0.5, scores=SCORES))
    assert study.shown()[trial.number].intermediate == {10: 1.0}
    study.fail(trial.number, FailureKind.bug)
