"""A sweep that begins with what another one has found."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.sweeper.campaigns.identity import difference
from slimtune.sweeper.goals.goals import goals_of
from slimtune.sweeper.search.beginning import begin
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Space
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import Study, StudySpec
from slimtune.sweeper.study.record import BUDGET
from slimtune.training.errors import StoreError
from slimtune.training.trial import FailureKind
from tests.sweeper.study.test_samplers import quality, run, sampler_of, study_of

SPACE: Space = {"lr": FloatRange(1e-5, 1e-2, log=True), "n": IntRange(1, 8), "c": Choice(("a", "b"))}


def request_of(folder: Path, space: Space, **config: Any) -> Any:
    """As far as a beginning looks at one."""
    known = {"enqueue": [], "warm_start": "other", "warm_start_points": 2, "n_trials": 8, "storage": None}
    return SimpleNamespace(
        search=SimpleNamespace(config=SimpleNamespace(**known | config)),
        space=SearchSpace(space),
        folder=folder / "mine",
        storage="",
        start_point=dict,
    )


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep `other`: eight trials, one of them pruned and one failed."""
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "other").mkdir()
    study = study_of(sampler_of("random"), SPACE, name="other", storage=f"sqlite:///{folder / 'other' / 'study.db'}")

    def end(study: Study, asked: Any) -> None:
        study.report(asked.number, 10, objective=quality(asked.params), progress=0.5)
        match asked.number:
            case 2:
                study.prune(asked.number)
            case 3:
                study.fail(asked.number, FailureKind.diverged)
            case _:
                study.complete(asked.number, quality(asked.params))

    run(study, end)
    return folder


def fresh(sampler: str = "tpe", space: Space = SPACE, **more: Any) -> Study:
    return study_of(sampler_of(sampler), space, **more)


def test_the_best_points_of_the_other_sweep_come_first(outputs: Path) -> None:
    study = fresh()
    (note,) = begin(study, request_of(outputs, SPACE), differs=lambda _: None)
    assert note == "search.warm_start=other: 2 points are tried first, and the sampler learns from 8 trials"
    points = run(study)
    theirs = sorted((quality(trial.params) for trial in other_trials(outputs)), reverse=True)
    assert [quality(point) for point in points[:2]] == pytest.approx(theirs[:2])
    # it is begun once
    assert begin(Study(study.spec), request_of(outputs, SPACE), differs=lambda _: None) == []
    assert len(study.shown()) == 8


def test_what_was_read_of_another_sweep_is_kept(outputs: Path) -> None:
    """It may be gone when the sweep is resumed; where nothing was read yet, it is told as before the first trial."""
    gone = request_of(outputs, SPACE, warm_start="gone")
    study = fresh()
    begin(study, request_of(outputs, SPACE), differs=lambda _: None)
    assert begin(Study(study.spec), gone, differs=lambda _: None) == []
    with pytest.raises(StoreError, match=r"there is no such sweep in .*known: other"):
        begin(fresh(), gone, differs=lambda _: None)


def other_trials(outputs: Path) -> list[Any]:
    from slimtune.sweeper.study import load_study_trials

    return load_study_trials(f"sqlite:///{outputs / 'other' / 'study.db'}", "other").ranked()


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_the_sampler_learns_from_the_other_trials(outputs: Path, sampler: str) -> None:
    """It needs no random trials of its own; without the other sweep the first points are random ones."""
    warm, cold = fresh(sampler), fresh(sampler)
    begin(warm, request_of(outputs, SPACE, warm_start_points=0), differs=lambda _: None)
    assert run(warm)[:2] != run(cold)[:2]


def test_trials_that_were_measured_otherwise_are_not_learned_from(outputs: Path) -> None:
    study = fresh()
    (note,) = begin(study, request_of(outputs, SPACE), differs=lambda _: "task.metric differs")
    assert note.endswith("its trials are not compared with, since task.metric differs")
    assert study._seen.earlier == []
    (note,) = begin(fresh(goals=goals_of([False])), request_of(outputs, SPACE), differs=lambda _: None)
    assert note.endswith("since their objective was maximized")


def test_another_space_takes_what_it_holds(outputs: Path) -> None:
    """A point gives the values that lie in the new space; the sampler learns from whole points alone."""
    space: Space = {"lr": FloatRange(1e-5, 1e-2, log=True), "new": IntRange(1, 4)}
    study = fresh(space=space)
    (note,) = begin(study, request_of(outputs, space), differs=lambda _: None)
    assert "learns from 0 trials, since none of its 8 is a point of this space: the same keys" in note
    first = run(study, lambda study, asked: study.complete(asked.number, 0.5))[0]
    assert math.isclose(first["lr"], other_trials(outputs)[0].params["lr"])
    narrow = replace(fresh().spec, space=SearchSpace(SPACE | {"n": IntRange(1, 3)}))
    assert isinstance(narrow, StudySpec)
    study = Study(replace(narrow, name="narrow"))
    begin(study, request_of(outputs, dict(narrow.space.common)), differs=lambda _: None)
    assert 0 < len(study._seen.earlier) < 8


def test_an_app_of_its_own_has_another_folder_than_name(tmp_path: Path) -> None:
    (tmp_path / "12-30-00").mkdir()
    storage = f"sqlite:///{tmp_path / '12-30-00' / 'study.db'}"
    run(study_of(sampler_of("random"), SPACE, n_trials=1, name="app", storage=storage))
    (note,) = begin(fresh(), request_of(tmp_path, SPACE, warm_start="12-30-00"), differs=lambda _: None)
    assert note == "search.warm_start=12-30-00: 1 point is tried first, and the sampler learns from 1 trial"


def test_sweeps_differ_by_what_trials_are_measured_by() -> None:
    """Their ranges may differ, and where the rows lie; not the rows, nor a key that one of them searches alone."""
    known = {
        "space.fit.lr": "0 to 1",
        "fit.lr": "1",
        "fit.epochs": "2",
        "the rows of the data": "a",
        "search.seed": "0",
    }
    assert difference(known, known | {"space.fit.lr": "0 to 2", "fit.lr": "2", "search.seed": "1"}) is None
    assert difference(known, known | {"data.train_file": "elsewhere"}) is None
    assert "the rows of the data are others" in (difference(known, known | {"the rows of the data": "b"}) or "")
    assert "fit.epochs differs (2, here 3)" in (difference(known, known | {"fit.epochs": "3"}) or "")
    assert difference(None, known) is not None


def test_fewer_trials_than_there_are_take_none_away() -> None:
    """Which is told, and the budget that is noted is what there is."""
    study = fresh(n_trials=4)
    run(study)
    fewer = Study(replace(study.spec, n_trials=2))
    (note,) = begin(fewer, request_of(Path("x"), SPACE, warm_start=None), differs=lambda _: None)
    assert note.startswith("search.n_trials is 2, and 4 trials were begun before: none of them is taken away")
    assert fewer.attrs()[BUDGET] == fewer.num_in_all() == 4
    same = Study(replace(study.spec, n_trials=4))
    assert begin(same, request_of(Path("x"), SPACE, warm_start=None), differs=lambda _: None) == []
