"""What is told of overrides that do not compose; the cases of several kinds are in tests/cases/."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slimtune.sweeper.hydra_app.override_problems import override_problems
from slimtune.training.errors import ConfigError

Told = Callable[..., list[str]]


@pytest.fixture
def told() -> Told:
    def run(*arguments: str) -> list[str]:
        given = ["data.train_file=rows.csv", *arguments]
        return list(override_problems(ConfigError(["as Hydra has it"]), given).problems)

    return run


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "method.target_modules={a:1}",
            "is {a:1}, and it is a list; write 'method.target_modules",
        ),
        ("search.sampler=[a]", "search.sampler is [a]; choose with search/sampler=..., known: auto, "),
        ("search.sampler={nme:tpe}", "search.sampler.nme is not a key; did you mean 'search.sampler.name'?"),
        ("method={nosuch:3}", "method.nosuch is not a key"),
        ("task=[a]", "task=a is not an option; known: "),
        ("task=sentiment", "task=sentiment is not an option; did you mean 'classification'? known: "),
        ("data=rows.csv", "to name one of your own, write data=file data.train_file=rows.csv"),
        ("space=space.yaml", "to name one of your own, write space=file space.path=space.yaml"),
        ("model=distilbert", "to name one of your own, write model.name_or_path=distilbert"),
        (
            "space.fit.learning_rate={min:1e-5,max:1e-3}",
            "learning_rate.min is not a key; did you mean 'low'?",
        ),
        (
            "+space.fit.epochs=[1,3]",
            "epochs is [1, 3]; write {type: choice, values: [1, 3]} for one of these",
        ),
        ("fit/learning_rat=1", "did you mean 'fit.learning_rate'?"),
        ("space.path=space.yaml", "the space of a file takes both, space=file space.path=..."),
        ("space=null", "did you mean 'none'?"),
        ("~space", "the config has no section space; use space=none in the place of ~space"),
        ("hydra.sweep.dri=x", "hydra.sweep.dri is not a key; did you mean 'hydra.sweep.dir'?"),
        ("hydra.sweeper.search.n_trials=3", "hydra.sweeper.search.n_trials is not a key; use search.n_trials"),
        ("fit.num_train_epochs=1", "did you mean 'fit.epochs'?"),
    ],
)
def test_a_value_of_another_kind(told: Told, override: str, said: str) -> None:
    problems = told(override)
    assert any(said in problem for problem in problems), problems
    assert not any("Error merging" in problem or "Could not override" in problem for problem in problems)


def test_what_leads_nowhere_hides_nothing(told: Told) -> None:
    problems = told("fit.learning_rate=${fit.nosuch}", "fit.nothing=1", "data.nothing=2", "fit.batch_size=0")
    assert [problem.partition("; ")[0] for problem in problems] == [
        "fit.nothing is not a key",
        "data.nothing is not a key",
        "fit.learning_rate is ${fit.nosuch}, and there is no key 'fit.nosuch'",
        "fit.batch_size is 0",
    ]
    assert not any("did you mean" in problem for problem in problems)


def test_a_dimension_that_does_not_fit_is_told_once(told: Told) -> None:
    found = told("method.r=interval(1,8)", "method.target_modules=query,value", "fit.nothing=1")
    assert [problem for problem in found if "method.r" in problem] == [
        "method.r=interval(1,8): method.r takes whole numbers alone; write 'method.r=int(interval(1,8))', or "
        "'method.r=range(1,9)'"
    ]
    assert len(found) == 3


def test_options_of_a_folder_that_is_added_are_known(told: Told, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nfit: {epochs: 3}\n")
    for added in (["--config-dir", str(tmp_path)], [f"hydra.searchpath=[file://{tmp_path}]"]):
        (problem,) = told(*added, "experiment=mine", "fit.nothing=1")
        assert problem.startswith("fit.nothing is not a key")
        assert "did you mean 'mine'?" in told(*added, "experiment=mien")[0]
