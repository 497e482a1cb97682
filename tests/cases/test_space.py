"""The space that is searched is the one that the user meant."""

import json
from pathlib import Path

import pytest

from slimtune.sweeper.search import read_request
from slimtune.sweeper.space.dimension import Choice, IntRange, Scalar, range_problem
from tests.cases.sweep_requests import RequestOf, keys_of, points_of, refused, request_of

__all__ = ["request_of"]


def test_a_plain_space_is_searched_as_before(request_of: RequestOf) -> None:
    """The values that the quickstart's first trials take."""
    request = request_of("experiment=tone", "data.train_file=rows.jsonl", "search.n_trials=3")
    assert list(request.space.common) == ["fit.learning_rate", "fit.batch_size", "method.r"]
    assert points_of(request)[1] == {
        "fit.learning_rate": pytest.approx(0.001363, rel=1e-3),
        "fit.batch_size": 8,
        "method.r": 27,
    }


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
