"""Options of a search (S3, S4, S7, S9): each composes, and what cannot be is said before the first trial."""

from pathlib import Path

import optuna
import pytest

from slimtune.sweeper.search.first_points import enqueued_points
from slimtune.sweeper.search.study_spec import search_notes_of, study_spec
from slimtune.sweeper.search_config import Rungs, StopRules
from slimtune.sweeper.study import Study
from tests.cases.sweep_requests import RequestOf, refused, request_of

__all__ = ["request_of"]

RUNGS = Rungs(eval_every=10, longest=40)
NUMBERS = ("space=none", "fit.learning_rate=tag(log,interval(1e-5,1e-3))", "fit.weight_decay=interval(0,0.1)")
SAMPLERS = ("auto", "random", "grid", "qmc", "tpe", "gp", "cmaes", "nsga2", "nsga3")
PRUNERS = ("none", "successive_halving", "hyperband", "median", "percentile", "patient", "wilcoxon", "combination")


def test_s3_every_sampler_is_chosen_by_its_name(request_of: RequestOf) -> None:
    specs = {name: study_spec(request_of(f"search/sampler={name}"), RUNGS) for name in SAMPLERS}
    assert {name: spec.sampler.name for name, spec in specs.items()} == {
        name: "gp" if name == "auto" else name for name in SAMPLERS
    }


def test_s3_a_grid_of_numbers_is_cut_to_its_points(request_of: RequestOf) -> None:
    """The budget is the number of points, where that is smaller, and a person is told."""
    request = request_of("search/sampler=grid", "search.sampler.points=3", *NUMBERS)
    assert study_spec(request, RUNGS).n_trials == 9
    assert "the space has 9 points" in search_notes_of(request)[0]


def test_s3_auto_says_what_it_takes(request_of: RequestOf) -> None:
    """A space that fits into the budget is run whole; few dimensions are modelled by a Gaussian process."""
    few = request_of("search/sampler=auto", "space=none", "method.r=4,8", "fit.batch_size=8,16")
    assert study_spec(few, RUNGS).sampler.name == "grid"
    assert study_spec(few, RUNGS).n_trials == 4
    assert any("auto takes grid" in note for note in search_notes_of(few))
    assert study_spec(request_of("search/sampler=auto", *NUMBERS), RUNGS).sampler.name == "gp"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["search/sampler=tpe", "search.sampler.group=true", "search.sampler.multivariate=false"], "multivariate=true"),
        (["search/sampler=grid", "search.sampler.points=1"], "search.sampler.points is 1; use a whole number"),
        (["search/sampler=qmc", "search.sampler.sequence=sobel"], "use sobol or halton"),
        (["search/sampler=nsga2", "search.sampler.mutation_probability=2"], "use a number from 0 to 1"),
        (["search/sampler=cmaes", "search.sampler.sigma=0"], "search.sampler.sigma is 0"),
        (["search/sampler=gp", "+search.sampler.n_startup_trial=3"], "did you mean 'n_startup_trials'?"),
    ],
)
def test_s3_what_is_wrong_with_a_sampler_is_told(request_of: RequestOf, overrides: list[str], told: str) -> None:
    assert told in refused(request_of, *overrides)


def test_s4_every_pruner_is_chosen_by_its_name(request_of: RequestOf) -> None:
    """And a study opens with each."""
    for name in PRUNERS:
        spec = study_spec(request_of(f"search/pruner={name}"), RUNGS)
        assert spec.pruner.name == name


def test_s4_pruners_inside_pruners_are_chosen_too(request_of: RequestOf) -> None:
    patient = request_of("search/pruner=patient", "search/pruner@search.pruner.pruner=percentile").search.pruner
    assert getattr(patient, "pruner", None).name == "percentile"  # type: ignore[union-attr]
    given = ("search.pruner.rule=all", "search.pruner.pruners.second=null")
    several = request_of("search/pruner=combination", *given, "+search/pruner@search.pruner.pruners.third=median")
    assert [one.name for one in several.search.pruner.pruners.values()] == [  # type: ignore[union-attr]
        "successive_halving",
        "median",
    ]


def test_s4_hyperband_is_not_one_of_several(request_of: RequestOf) -> None:
    told = refused(request_of, "search/pruner=patient", "search/pruner@search.pruner.pruner=hyperband")
    assert "search.pruner.pruner is 'hyperband'" in told


def test_s9_stop_rules_reach_the_workers(request_of: RequestOf) -> None:
    given = (
        "search.max_minutes=30",
        "search.max_trials_without_better=5",
        "search.target=0.9",
        "search.max_failures=3",
    )
    assert study_spec(request_of(*given), RUNGS).stop_rules == StopRules(30, 5, {"objective": 0.9}, 3)
    assert study_spec(request_of(), RUNGS).stop_rules == StopRules()


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("search.max_minutes=0", "search.max_minutes is 0; use a number above 0"),
        ("search.max_failures=many", "search.max_failures is 'many'; use a whole number"),
        ("search.target=high", "search.target is 'high'; use a number"),
    ],
)
def test_s9_what_is_wrong_with_a_stop_rule_is_told(request_of: RequestOf, override: str, told: str) -> None:
    assert told in refused(request_of, override)


@pytest.mark.parametrize(
    "point",
    [
        "{fit.learning_rate:0.001,method.r:8}",
        "{fit:{learning_rate:0.001},method:{r:8}}",
        "{learning_rate:0.001,r:8}",
    ],
)
def test_s7_points_are_enqueued_by_key_nested_or_short(request_of: RequestOf, point: str) -> None:
    request = request_of(f"search.enqueue=[{point}]")
    assert enqueued_points(request.search.config.enqueue, request.space) == [
        {"fit.learning_rate": 0.001, "method.r": 8}
    ]


@pytest.mark.parametrize(
    ("enqueue", "told"),
    [
        ("[{fit.learning_rat:0.001}]", "search.enqueue[0] sets fit.learning_rat, which is not searched"),
        ("[{method.r:8},{method.r:64}]", "search.enqueue[1].method.r is 64, which is no value of its dimension"),
        ("[{fit.batch_size:12}]", "use one of 8, 16, 32"),
        ("[{fit.epochs:3}]", "fit.epochs, which is not searched"),
        ("[{}]", "search.enqueue[0] is empty"),
        ("[{method.r:8},{method.r:9}]", "search.enqueue has 2 points, more than search.n_trials (1)"),
        ("[8]", "search.enqueue"),
    ],
)
def test_s7_a_point_that_is_none_of_the_space_is_told(request_of: RequestOf, enqueue: str, told: str) -> None:
    assert told in refused(request_of, f"search.enqueue={enqueue}", "search.n_trials=1")


def test_s7_a_key_of_one_option_brings_that_option(request_of: RequestOf) -> None:
    """Where several have it, one is asked for; what an option does not have is told."""
    request = request_of("method=lora,full", "method.r=4,8", "search.enqueue=[{r:8}]")
    assert enqueued_points(request.search.config.enqueue, request.space) == [{"method": "lora", "method.r": 8}]
    said = refused(request_of, "method=lora,qlora,full", "method.r=4,8", "search.enqueue=[{r:8}]")
    assert "it is searched under method=lora, method=qlora: set that too" in said
    said = refused(request_of, "method=lora,full", "method.r=4,8", "search.enqueue=[{method:full,r:8}]")
    assert "it is searched under method=lora: set that too" in said


def test_s7_another_sweep_is_looked_for_before_the_first_trial(request_of: RequestOf, tmp_path: Path) -> None:
    (tmp_path.parent / "earlier").mkdir(exist_ok=True)
    path = tmp_path.parent / "earlier" / "study.db"
    path.unlink(missing_ok=True)
    optuna.create_study(storage=f"sqlite:///{path}", study_name="earlier")
    told = refused(request_of, "search.warm_start=earlyer")
    assert "there is no such sweep" in told
    assert "known: earlier" in told
    assert request_of("search.warm_start=earlier").search.config.warm_start == "earlier"
    (tmp_path / "study.db").touch()
    assert "which is this sweep itself" in refused(request_of, f"search.warm_start={tmp_path}")


def test_s7_a_sweep_that_has_a_study_needs_no_other_any_more(request_of: RequestOf, tmp_path: Path) -> None:
    """What was read of it is kept there."""
    assert "there is no such sweep" in refused(request_of, "search.warm_start=gone")
    (tmp_path / "study.db").touch()
    assert request_of("search.warm_start=gone").search.config.warm_start == "gone"


def test_s7_a_sweep_begins_with_its_own_point_then_with_those_given(request_of: RequestOf) -> None:
    """Each once, whatever is given again when the sweep is resumed."""
    from slimtune.sweeper.search.beginning import begin

    request = request_of("search.enqueue=[{method.r:5},{method.r:6}]")
    study = Study(study_spec(request, RUNGS))
    begin(study, request, differs=lambda _: None)
    begin(study, request_of("search.enqueue=[{method.r:6},{method.r:7}]"), differs=lambda _: None)
    assert [trial.attrs["point"].get("method.r") for trial in study.trials()] == [8, 5, 6, 7]
