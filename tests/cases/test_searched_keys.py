"""Keys that may be searched, and seeds among them."""

import pytest

from slimtune.sweeper.campaigns.selection.reruns import fresh_seeds
from tests.cases.sweep_requests import RequestOf, refused, request_of

__all__ = ["request_of"]


@pytest.mark.parametrize("overrides", [("fit.seed=1,2,3",), ("fit.seed=range(1,4)",), ("+s=1,2,3", "fit.seed=${s}")])
def test_s11_reruns_take_seeds_that_no_trial_had(request_of: RequestOf, overrides: tuple[str, ...]) -> None:
    assert fresh_seeds(request_of("space=none", *overrides, "search.rerun_seeds=2")) == [4, 5]


def test_s11_a_seed_of_its_own_is_followed_as_before(request_of: RequestOf) -> None:
    assert fresh_seeds(request_of("fit.seed=7", "search.rerun_seeds=2")) == [8, 9]


@pytest.mark.parametrize(
    "sweep",
    [
        "search.seed=0,1,2",
        "fit.threads=1,2",
        "fit.save_minutes=interval(1,9)",
        "tracking.log_every=5,10",
        "search/sampler=tpe,random",
        "export=none,onnx",
        "+unread=1,2",
        "data.cache_dir=a,b",
    ],
)
def test_s11_keys_that_no_result_depends_on_are_no_dimensions(request_of: RequestOf, sweep: str) -> None:
    text = refused(request_of, sweep)
    key = sweep.partition("=")[0].lstrip("+")
    assert f"{key} is searched, but no trial's result depends on it" in text


@pytest.mark.parametrize(
    "sweep",
    [
        "task.metric=accuracy,f1_macro",
        "data.seed=0,1",
        "data.train_file=a.jsonl,b.jsonl",
        "data.label_column=tone,topic",
        "data.target_column=summary,title",
    ],
)
def test_s11_keys_that_change_what_is_measured_are_no_dimensions(request_of: RequestOf, sweep: str) -> None:
    assert "their scores do not compare" in refused(request_of, sweep)


def test_s11_training_files_may_be_searched_where_other_rows_validate(request_of: RequestOf) -> None:
    held_out = ("data.validation_file=v.jsonl", "data.test_file=t.jsonl")
    assert "data.train_file" in request_of("data.train_file=a.jsonl,b.jsonl", *held_out).space.searched_keys()
