"""The space that is searched is the one that the user meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.campaigns.identity import check_same, identity_of
from slimtune.sweeper.campaigns.selection.reruns import best_of, fresh_seeds
from slimtune.sweeper.search import read_request
from slimtune.sweeper.search.request import SweepRequest, first_choices
from slimtune.sweeper.search.study_spec import OwnWorkers, make_worker, study_spec
from slimtune.sweeper.search_config import Rungs
from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange, Scalar, range_problem
from slimtune.sweeper.study import Lease, Study
from slimtune.training.errors import StoreError
from tests.cases.sweep_requests import RequestOf, refused, request_of

__all__ = ["request_of"]


def run_all(request: SweepRequest) -> list[dict[str, Scalar]]:
    """The points of a search whose trials all score the same."""
    study = Study(study_spec(request, Rungs(eval_every=1, longest=1)))
    study.start_from(request.start_point())
    points = []
    with Lease(study) as lease:
        while (asked := study.ask(lease.worker)) is not None:
            points.append(asked.params)
            study.complete(asked.number, 0.5)
    return points


def keys_of(request: SweepRequest, option: str) -> dict[str, Any]:
    return {key: dimension for _, key, dimension in request.space.steps({"method": option})}


# conditional spaces


def test_s10_each_method_has_its_own_dimensions_and_learning_rates(request_of: RequestOf) -> None:
    request = request_of("method=full,lora_bert,ia3", "search.n_trials=8", "search.seed=3")
    rates = {option: keys_of(request, option)["fit.learning_rate"] for option in ("full", "lora_bert", "ia3")}
    assert rates == {
        "full": FloatRange(1e-5, 5e-4, log=True),
        "lora_bert": FloatRange(5e-4, 5e-3, log=True),
        "ia3": FloatRange(1e-3, 3e-2, log=True),
    }
    points = run_all(request)
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


def test_a_plain_space_is_searched_as_before(request_of: RequestOf) -> None:
    """The values that the quickstart's first trials take."""
    request = request_of("experiment=tone", "data.train_file=rows.jsonl", "search.n_trials=3")
    assert list(request.space.common) == ["fit.learning_rate", "fit.batch_size", "method.r"]
    assert run_all(request)[1] == {
        "fit.learning_rate": pytest.approx(0.001363, rel=1e-3),
        "fit.batch_size": 8,
        "method.r": 27,
    }


# finite spaces


def test_s9_a_finite_space_ends_and_no_point_is_run_twice(request_of: RequestOf) -> None:
    request = request_of("space=none", "fit.schedule=linear,cosine", "search.n_trials=6")
    assert [point["fit.schedule"] for point in run_all(request)] == ["linear", "cosine"]
    assert run_all(request) == [], "the same command finds nothing left"


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_s9_every_point_comes_once_in_any_finite_space(request_of: RequestOf, sampler: str) -> None:
    sweeps = ("fit.schedule=linear,cosine,constant", "fit.warmup_share=choice(0,0.1,0.0)")
    request = request_of("space=none", *sweeps, "search.n_trials=99", f"search/sampler={sampler}")
    points = run_all(request)
    assert len(points) == len({str(point) for point in points}) == request.num_trials() == 3 * 2


def test_s9_a_branch_that_is_used_up_leaves_the_trials_to_the_others(request_of: RequestOf) -> None:
    fixed = ("fit.learning_rate=1e-3", "fit.batch_size=8", "method.r=8")
    request = request_of("method=full,lora_bert", *fixed, "method.alpha_over_r=interval(1,4)", "search.n_trials=6")
    assert request.space.num_points() is None
    points = run_all(request)
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


# keys and seeds


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


# the same sweep


@pytest.mark.parametrize(
    "changed",
    [
        "fit.micro_batch_size=4",
        "fit.max_memory_mb=4000",
        "fit.save_minutes=1",
        "fit.gradient_checkpointing=true",
        "data.name=other",
        "data.train_file=moved/rows.jsonl",
    ],
)
def test_t7_keys_that_do_not_change_a_result_do_not_forbid_a_resume(request_of: RequestOf, changed: str) -> None:
    known = identity_of(request_of(), "rows")
    check_same(known, identity_of(request_of(changed), "rows"), name="mine")


@pytest.mark.parametrize("changed", ["fit.epochs=9", "method.dropout=0.2", "data.max_length=32", "method=lora,full"])
def test_t7_others_do(request_of: RequestOf, changed: str) -> None:
    known = identity_of(request_of(), "rows")
    with pytest.raises(StoreError, match="begun with another config"):
        check_same(known, identity_of(request_of(changed), "rows"), name="mine")


def test_other_weights_of_the_base_are_another_sweep(request_of: RequestOf) -> None:
    known = identity_of(request_of(), "rows", "these")
    check_same(known, identity_of(request_of(), "rows", "these"), name="mine")
    with pytest.raises(StoreError, match="the weights of the base model: these -> those"):
        check_same(known, identity_of(request_of(), "rows", "those"), name="mine")


def test_whole_ranges_are_not_written_out(request_of: RequestOf) -> None:
    assert keys_of(request_of("fit.seed=range(0,1000000000)"), "")["fit.seed"] == IntRange(0, 999_999_999)
    assert "more than 10000 values" in refused(request_of, "fit.weight_decay=range(0,1,0.00000001)")


def test_what_is_looked_at_before_the_first_trial_is_what_a_trial_may_have(request_of: RequestOf) -> None:
    """A searched key whose own value no trial has is looked at with one that is searched."""
    from slimtune.sweeper.campaigns.preflight import others

    columns = ("data.text_column=title,body", "data.label_column=klass,klass", "data.text_pair_column=more,null")
    request = request_of("space=none", *columns, "method.r=4,16", "fit.batch_size=8,16")
    own = {"data.text_column": "title", "data.label_column": "klass", "method.r": 4}
    assert request.firsts == own
    assert (request.values["data"]["text_column"], request.tried["data"]["text_column"]) == ("text", "title")
    assert request.tried["data"]["text_pair_column"] is None
    tried = {other.label: other.values["data"] for other in others(request)}
    assert list(tried) == ["data.text_column=body", "data.text_pair_column=more"]
    assert {data["label_column"] for data in tried.values()} == {"klass"}
    # the config's own point takes no value that is not searched
    assert not request.firsts.keys() & request.start_point().keys()


def test_sizes_of_a_method_are_looked_at_for_each_value_of_the_branch_that_has_them(request_of: RequestOf) -> None:
    from slimtune.sweeper.campaigns.preflight import sizes

    alone = request_of(
        "space=none", "method=full", "method.trained_layers=1,2", "fit.learning_rate=interval(1e-4,1e-3)"
    )
    # the first value is that of the first trial
    assert [other.label for other in sizes(alone)] == ["method.trained_layers=2"]
    branched = request_of("space=none", "method=lora,full", "method.trained_layers=1,2", "method.r=range(2,9)")
    tried = {other.label: other.values["method"] for other in sizes(branched)}
    assert tried["method=full method.trained_layers=2"]["trained_layers"] == 2
    assert tried["method=lora method.r=8"]["r"] == 8
    assert "method=lora method.trained_layers=2" not in tried


def test_a_key_that_has_no_value_may_be_searched(request_of: RequestOf) -> None:
    held_out = ("data.validation_file=v.jsonl", "data.test_file=t.jsonl", "data.train_file=???")
    request = request_of("space=none", *held_out, "data.train_file=a.jsonl,b.jsonl")
    assert request.firsts == {"data.train_file": "a.jsonl"}


def test_a_value_that_is_wrong_is_told_as_one_of_its_dimension(request_of: RequestOf) -> None:
    told = refused(request_of, "space=none", "method.r=-4,4", "fit.micro_batch_size=9", "fit.batch_size=32,64")
    assert "method.r=-4,4: method.r is -4" in told
    # of batches of 8 rows, which the config has and no trial
    assert "micro_batch_size" not in told


@pytest.mark.parametrize(
    ("key", "values", "kept"),
    [
        ("fit.batch_size", '8,8.0,"8",16', (8, 16)),
        ("fit.batch_size", '"8",8', (8,)),
        ("fit.batch_size", "8,16,8.0,16", (8, 16)),
        ("fit.learning_rate", "1e-3,0.001,2e-3", (0.001, 0.002)),
        ("fit.learning_rate", '"1e-3",0.001,"0.002"', (0.001, "0.002")),
        ("data.text_column", '8,"8",text', ("8", "text")),
        ("method.use_rslora", 'true,"true",false', (True, False)),
    ],
)
def test_values_that_are_read_as_the_same_are_one(
    request_of: RequestOf, monkeypatch: pytest.MonkeyPatch, key: str, values: str, kept: tuple[Scalar, ...]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(read_request.log, "warning", lambda _, line: told.append(line))
    request = request_of("space=none", f"{key}={values}", "fit.epochs=1,2")
    assert request.space.common[key] == Choice(kept)
    assert all(line.startswith(f"{key}: ") and line.endswith("and is left out") for line in told)
    assert told


def test_values_that_are_all_the_same_are_told_to_be_one(
    request_of: RequestOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(read_request.log, "warning", lambda _, line: told.append(line))
    request = request_of("space=none", "fit.seed=1,1.0,1e0", "fit.epochs=1,2")
    assert request.space.common["fit.seed"] == Choice((1,))
    assert told == [
        "fit.seed: 1.0 is the same as another of its values, and is left out",
        "fit.seed has one value then, 1",
    ]


def test_a_step_beyond_the_range_is_told_as_that() -> None:
    assert range_problem(8, 64, log=False, step=56) is None
    assert range_problem(0.1, 0.3, log=False, step=0.2) is None
    assert "of which 8 alone is left; use a smaller one" in (range_problem(8, 64, log=False, step=100) or "")


def test_a_key_that_has_a_space_and_a_value_is_told(
    request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value holds, as everywhere; whoever gives both may have meant the first trial."""
    path = tmp_path / "space.json"
    rate, batch = {"type": "float", "low": 1e-4, "high": 1e-3}, {"type": "choice", "values": [4, 8]}
    path.write_text(json.dumps({"search_space": {"learning_rate": rate, "batch_size": batch}}))
    told: list[str] = []
    monkeypatch.setattr(read_request.log, "warning", lambda line, *values: told.append(line % values))
    for own in (["space.fit.batch_size.values=[4,8]"], ["space=file", f"space.path={path}"], []):
        told.clear()
        request = request_of(*own, "fit.batch_size=16")
        assert "fit.batch_size" not in str(request.space)
        assert [line.partition(",")[0] for line in told] == ["fit.batch_size is set"] * bool(own)
