"""A space of so many points ends after these, each run once."""

import pytest

from slimtune.sweeper.campaigns.selection.reruns import best_of
from slimtune.sweeper.search.study_spec import study_spec
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.study import Lease, Study
from tests.cases.sweep_requests import RequestOf, points_of, request_of

__all__ = ["request_of"]


def test_s9_a_finite_space_ends_and_no_point_is_run_twice(request_of: RequestOf) -> None:
    request = request_of("space=none", "fit.schedule=linear,cosine", "search.n_trials=6")
    assert [point["fit.schedule"] for point in points_of(request)] == ["linear", "cosine"]
    assert points_of(request) == [], "the same command finds nothing left"


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_s9_every_point_comes_once_in_any_finite_space(request_of: RequestOf, sampler: str) -> None:
    sweeps = ("fit.schedule=linear,cosine,constant", "fit.warmup_share=choice(0,0.1,0.0)")
    request = request_of("space=none", *sweeps, "search.n_trials=99", f"search/sampler={sampler}")
    points = points_of(request)
    assert len(points) == len({str(point) for point in points}) == request.num_trials() == 3 * 2


def test_s9_a_branch_that_is_used_up_leaves_the_trials_to_the_others(request_of: RequestOf) -> None:
    fixed = ("fit.learning_rate=1e-3", "fit.batch_size=8", "method.r=8")
    request = request_of("method=full,lora_bert", *fixed, "method.alpha_over_r=interval(1,4)", "search.n_trials=6")
    assert request.space.num_points() is None
    points = points_of(request)
    assert [point["method"] for point in points].count("full") == 1
    assert len({str(point) for point in points}) == 6


def test_s9_finalists_differ_by_more_than_their_seed(request_of: RequestOf) -> None:
    request = request_of("space=none", "fit.seed=1,2,3", "fit.schedule=linear,cosine", "search.n_trials=6")
    study = Study(study_spec(request, Rungs(eval_every=1, longest=1)))
    with Lease(study) as lease:
        while (asked := study.ask(lease.worker)) is not None:
            study.complete(asked.number, float(asked.params["fit.schedule"] == "linear"))
    finalists = best_of(study.ranked(), 3)
    assert {trial.params["fit.schedule"] for trial in finalists} == {"linear", "cosine"}
    assert len(finalists) == 2
