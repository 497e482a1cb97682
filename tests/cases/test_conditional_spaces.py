"""Each option of a group has the space that fits it."""

import pytest

from slimtune.sweeper.search.request import first_choices
from slimtune.sweeper.search.study_spec import OwnWorkers, make_worker, study_spec
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import FloatRange
from slimtune.sweeper.study import Lease, Study
from tests.cases.sweep_requests import RequestOf, keys_of, points_of, refused, request_of

__all__ = ["request_of"]


def test_s10_each_method_has_its_own_dimensions_and_learning_rates(request_of: RequestOf) -> None:
    request = request_of("method=full,lora_bert,ia3", "search.n_trials=8", "search.seed=3")
    rates = {option: keys_of(request, option)["fit.learning_rate"] for option in ("full", "lora_bert", "ia3")}
    assert rates == {
        "full": FloatRange(1e-5, 5e-4, log=True),
        "lora_bert": FloatRange(5e-4, 5e-3, log=True),
        "ia3": FloatRange(1e-3, 3e-2, log=True),
    }
    points = points_of(request)
    # the first trial is the config with the first option, and that option's own learning rate
    assert points[0] == {"method": "full", "fit.batch_size": 16, "fit.learning_rate": 5e-5}
    assert {point["method"] for point in points} == {"full", "lora_bert", "ia3"}
    for point in points:
        rate = rates[str(point["method"])]
        assert rate.low <= point["fit.learning_rate"] <= rate.high  # type: ignore[operator]
        assert ("method.r" in point) == (point["method"] == "lora_bert")


def test_s10_a_trial_composes_with_what_fits_its_option(request_of: RequestOf) -> None:
    """An override that only some options have a key for holds for those."""
    request = request_of("method=full,adapters", "method.reduction_factor=4", "fit.weight_decay=0,0.1")
    assert "method.reduction_factor" not in request.space.searched_keys()
    spec = study_spec(request, Rungs(eval_every=1, longest=1))
    worker = make_worker(request, spec, OwnWorkers(""))
    study = Study(spec)
    study.enqueue({}, {"method": "adapters"})
    study.enqueue({}, {"method": "full"})
    with Lease(study) as lease:
        for option in ("adapters", "full"):
            asked = study.ask(lease.worker)
            assert asked is not None
            composed = worker.compose(asked)
            assert composed.method.name == option
            assert composed.method.get("reduction_factor") == (4 if option == "adapters" else None)
            assert composed.fit.learning_rate == asked.params["fit.learning_rate"]
    assert "method=full" in first_choices(request)


def test_s10_a_fixed_learning_rate_is_fixed_for_every_method(request_of: RequestOf) -> None:
    request = request_of("method=full,lora_bert", "fit.learning_rate=1e-3", "fit.batch_size=8")
    assert request.space.searched_keys() == ["method", "method.r"]
    assert request.space.num_points() == 1 + 29


def test_s10_groups_that_change_no_dimension_make_no_branches(request_of: RequestOf) -> None:
    request = request_of("fit=default,regularized", "search.n_trials=3")
    assert request.space.branches == ()
    assert request.space.searched_keys() == ["fit.learning_rate", "fit.batch_size", "method.r", "fit"]


def test_s10_two_groups_together(request_of: RequestOf) -> None:
    """Each choice of both has its own space, and each option is checked before the first trial."""
    request = request_of("method=full,lora", "fit=default,speed", "search.n_trials=3")
    assert len(request.space.branches) == 2
    assert len(request.others) == 3 - 1
    text = refused(request_of, "method=lora,full", "model=minilm,tiny_llama")
    assert "method=lora model=tiny_llama: method.name is lora, but model.scratch draws its weights" in text


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("method=full,lorra",), "method=lorra is not an option; did you mean 'lora'?"),
        (("method=full,ia3", "method.r=8"), "method.r is set, but no option of method=full,ia3 has it"),
        (
            ("method=full,ia3", "method.r=4,8"),
            "method.r is not a key of the config; method=full and method=ia3 have no rank",
        ),
        (("method=full,lora", "space.method.r.low=-1"), "space.method.r: method.r is -1"),
    ],
)
def test_s10_what_fits_no_option_is_refused(request_of: RequestOf, overrides: tuple[str, ...], said: str) -> None:
    assert said in refused(request_of, *overrides)
