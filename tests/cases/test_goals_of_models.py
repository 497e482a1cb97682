"""What is said before the first trial of a sweep of models with objectives and constraints."""

import pytest

from tests.cases.sweep_requests import RequestOf, refused, request_of

__all__ = ["request_of"]
TWO = "search.objectives=[accuracy,size_mb]"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["search.objectives=[acuracy,size_mb]"], "search.objectives has acuracy; did you mean 'accuracy'?"),
        (["search.constraints={sizemb:{max:30}}"], "search.constraints has sizemb; did you mean 'size_mb'?"),
        (
            ["search.direction=[maximize,minimize]"],
            "name what is made best, e.g. search.objectives=[accuracy,trained_parameters]",
        ),
        ([TWO, "search.direction=minimize"], "search.direction and search.objectives are both set"),
        ([TWO, "search/pruner=median"], "search.pruner is median, but trials are compared while they are trained"),
        ([TWO, "search/sampler=cmaes"], "search.sampler is cmaes, which knows one objective, and there are 2"),
        (["search.objectives=[f1_macro]", "search/pruner=wilcoxon"], "wilcoxon, which compares task.metric (accuracy)"),
        (
            ["search.constraints={size_mb:{max:30}}", "search/pruner=hyperband"],
            "search.pruner is hyperband, which compares with trials that break a constraint",
        ),
    ],
)
def test_what_does_not_go_together_is_told(request_of: RequestOf, overrides: list[str], said: str) -> None:
    assert said in refused(request_of, *overrides)


def test_what_is_asked_for_is_told_before_the_first_trial(request_of: RequestOf) -> None:
    """Pruning that is off, and times that are taken while something else runs."""
    from slimtune.sweeper.search.study_spec import search_notes_of, study_spec
    from slimtune.sweeper.search_config import Rungs

    overrides = ["search.objectives=[accuracy,latency_ms,seconds]", "search.num_workers=2", "hydra/launcher=joblib"]
    request = request_of(*overrides)
    notes = " ".join(search_notes_of(request))
    assert "every trial runs to its end (search.pruner is not used)" in notes
    assert "latency_ms is timed while other workers train" in notes
    assert "seconds depend on what runs beside a trial" in notes
    spec = study_spec(request, Rungs(1, 1))
    assert (spec.pruner.name, spec.stop_hopeless, spec.goals.names) == (
        "none",
        False,
        ["accuracy", "latency_ms", "seconds"],
    )
