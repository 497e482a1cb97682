"""A config for Hydra's Optuna sweeper works by changing one word."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig, OmegaConf

from slimtune.sweeper.space.dimension import Choice, FloatRange, IntRange
from slimtune.training.config.task import Direction
from slimtune.training.errors import ConfigError, StoreError
from tests.cases.plugin_app import HEAD, KEYS, VALUES, App, app_fixture  # noqa: F401


def trials_of(app: App, name: str = "bowl", storage: str | None = None) -> list[optuna.trial.FrozenTrial]:
    study = optuna.load_study(study_name=name, storage=storage or f"sqlite:///{app.folder / 'out' / 'study.db'}")
    return study.trials


def refused(app: App, *overrides: str) -> str:
    with pytest.raises(ConfigError) as raised:
        app.read(*overrides)
    return str(raised.value)


# what its keys mean


def test_p1_its_keys_are_read(app: Callable[..., App]) -> None:
    sequence = "hydra.sweeper.experiment_sequence=hydra_plugins.hydra_optuna_sweeper._impl.OptunaExperimentSequence"
    request = app(HEAD + KEYS + VALUES).read(sequence)
    config = request.search.config
    assert (config.name, config.n_trials, config.seed, config.direction) == ("bowl", 6, 7, Direction.minimize)
    assert config.num_workers == 1, "basic runs one job after the other"
    own = app(HEAD + VALUES).read("hydra.sweeper.direction=minimize")
    assert request.search.sampler == own.search.sampler, "a seed alone chooses no sampler"
    assert list(request.space.common) == ["x", "y"]
    assert request.space.common["y"] == Choice((-2, 0, 2))
    # the stop of a range is excluded
    assert request.space.common["x"] == Choice(tuple(-3 + step / 2 for step in range(12)))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["hydra.sweeper.sampler._target_=optuna.samplers.Nosuch"], "hydra.sweeper.sampler is Nosuch, which slimtune"),
        (["+hydra.sweeper.sampler.prior_weight=2"], "sampler.prior_weight is 2, and slimtune's tpe has no such option"),
        (["hydra.sweeper.direction=min"], "hydra.sweeper.direction is 'min'; use minimize or maximize"),
        (["hydra.sweeper.direction=[minimize,max]"], "use minimize or maximize"),
        (["hydra.sweeper.experiment_sequence=my.Sequence"], "experiment_sequence is 'my.Sequence'; leave it out"),
        (["hydra.sweeper.max_failure_rate=2"], "hydra.sweeper.max_failure_rate is 2.0; use a share in [0, 1]"),
        (["hydra.sweeper.n_trials=0"], "hydra.sweeper.search.n_trials is 0"),
        (["hydra.sweeper.storage={a: 1}"], "hydra.sweeper.storage is {'a': 1}; give the URL"),
        (
            ["hydra.sweeper.params.x={lr: 1}"],
            "hydra.sweeper.params.x is a mapping; write its keys with dots, e.g. x.lr",
        ),
        (["hydra.sweeper.params.x='chioce(1,2)'"], "hydra.sweeper.params: "),
        (["hydra.sweeper.params.x='choice(1,'"], "hydra.sweeper.params: "),
        (["hydra.sweeper.params.nosuch=1"], "nosuch"),
        (["hydra.sweeper.params.nosuch='choice(1,2)'"], "nosuch is not a key of the config"),
        (["hydra.sweeper.params.x='tag(logg,interval(1,2))'"], "'logg' is no tag that is known"),
    ],
)
def test_p1_what_cannot_be_done_is_told(app: Callable[..., App], overrides: list[str], said: str) -> None:
    given = [f"+{line}" if "nosuch=" in line else line for line in overrides]
    assert said in refused(app(HEAD + KEYS + VALUES), *[line.replace("++", "+") for line in given])


def test_p1_all_that_cannot_be_done_is_told_together(app: Callable[..., App]) -> None:
    wrong = {"direction": "min", "storage": "{a: 1}", "max_failure_rate": 2, "params.y": "{lr: 1}"}
    given = ["hydra.sweeper.sampler._target_=Nosuch", *(f"hydra.sweeper.{key}={value}" for key, value in wrong.items())]
    said = refused(app(HEAD + KEYS + VALUES), *given)
    told = ("direction is 'min'", "storage is {'a': 1}", "max_failure_rate is 2", "params.y is a mapping", "is Nosuch")
    assert [words for words in told if words not in said] == []
    assert said.count("direction") == 1


def test_p1_nothing_but_params_minimizes_as_there(app: Callable[..., App]) -> None:
    text = "hydra:\n  sweeper:\n    params: {x: 'interval(0, 1)'}\n" + VALUES
    assert app(HEAD + text).read().search.config.direction is Direction.minimize
    assert "direction is missing" in refused(app(HEAD + VALUES), "x=interval(0,1)")


def test_p1_jobs_at_once_are_workers(app: Callable[..., App]) -> None:
    joblib = "hydra/launcher=joblib"
    assert app(HEAD + KEYS + VALUES).read(joblib, "hydra.sweeper.n_jobs=3").search.config.num_workers == 3
    assert app(HEAD + KEYS + VALUES).read(joblib, "hydra.sweeper.n_jobs=null").search.config.num_workers == 2


# what is searched


def test_p2_the_command_line_comes_after_params(app: Callable[..., App]) -> None:
    params = "    params: {x: 'interval(0, 1)', y: 3, width: 0.1}\n"
    request = app(HEAD + "hydra:\n  sweeper:\n" + params + VALUES).read("x=2", "y=interval(1,2)")
    assert request.space.common == {"y": FloatRange(1.0, 2.0)}
    assert request.fixed == ["width=0.1", "x=2"]
    assert request.values == {"x": 2, "y": 1, "width": 0.1}


def test_p2_a_deleted_parameter_is_not_searched(app: Callable[..., App]) -> None:
    request = app(HEAD + KEYS + VALUES).read("~y")
    assert list(request.space.common) == ["x"]
    assert "y" not in request.values


def test_p2_the_older_form_of_a_space(app: Callable[..., App], caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        "    x: {type: float, low: 1, high: 4, log: true}",
        "    y: {type: categorical, choices: [1, a, true]}",
        "    width: {type: int, low: 0, high: 9, step: 3}",
    ]
    text = HEAD + "hydra:\n  sweeper:\n   search_space:\n" + "\n".join(lines) + "\n" + VALUES
    assert app(text).read().space.common == {
        "x": FloatRange(1.0, 4.0, log=True),
        "y": Choice((1, "a", True)),
        "width": IntRange(0, 9, step=3),
    }
    assert list(app(text).read("hydra.sweeper.params={width: 'choice(1,2)'}").space.common) == ["width"]
    assert "search_space is not read" in caplog.text


def test_p2_a_group_in_params_composes(app: Callable[..., App], tmp_path: Path) -> None:
    for name in ("small", "larger"):
        (tmp_path / "conf" / "model").mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / "model" / f"{name}.yaml").write_text(f"offset: {len(name)}\n{name}: 1\n")
    params = "hydra:\n  sweeper:\n    params: {model: 'choice(small,larger)', x: 5}\n"
    text = "defaults:\n  - model: ???\n  - override hydra/sweeper: slimtune\n  - _self_\n" + params + VALUES
    made = app(text, lambda cfg: cfg.model.offset * cfg.x)
    assert made.sweep("hydra.sweeper.n_trials=9") == {
        "name": "slimtune",
        "best_params": {"model": "small"},
        "best_value": 25,
    }


# what is written


def test_p3_a_sweep_writes_its_results_in_that_form(app: Callable[..., App]) -> None:
    made = app(HEAD + KEYS + VALUES)
    storage = f"sqlite:///{made.folder / 'own.db'}"
    results = made.sweep(f"hydra.sweeper.storage={storage}", "+w=choice(1,2)", "width=0.25")
    trials = trials_of(made, storage=storage)
    best = min(trials, key=lambda trial: trial.value or math.inf)
    assert results["name"] == "slimtune"
    assert results["best_value"] == best.value
    assert results["best_params"] == {"x": best.params["x"], "y": best.params["y"], "+w": best.params["w"]}
    assert len(trials) == 6


def test_p3_several_directions_give_the_solutions(app: Callable[..., App]) -> None:
    """None of them is better than another in both, and what is no such pair is a failed trial."""

    def task(cfg: DictConfig) -> object:
        return [1.0] if cfg.x == 0 else (cfg.x, cfg.x**2 % 5 + cfg.y)

    text = HEAD + "hydra:\n  sweeper:\n    direction: [minimize, maximize]\n    n_trials: 12\n"
    made = app(text + "    params: {x: 'range(0, 4)', y: 'choice(0, 1)'}\n" + VALUES, task)
    results = made.sweep()
    assert results["name"] == "slimtune"
    values = [tuple(solution["values"]) for solution in results["solutions"]]
    assert sorted(values) == [(1, 2), (2, 5)]
    assert {"x": 1, "y": 1} in [solution["params"] for solution in results["solutions"]]
    trials = trials_of(made, "app")
    assert len(trials) == 8, "each point once"
    failed = [trial for trial in trials if trial.state is optuna.trial.TrialState.FAIL]
    assert {trial.params["x"] for trial in failed} == {0}
    assert "returned 1 values, and the search has 2 directions" in failed[0].user_attrs["message"]


def test_p3_an_app_with_nothing_to_search_runs_once(app: Callable[..., App]) -> None:
    made = app(HEAD + VALUES)
    assert made.sweep("hydra.sweeper.n_trials=8", "hydra.sweeper.n_jobs=3")["best_value"] == 2
    assert len(trials_of(made, "app")) == 1


def test_p3_nan_and_errors_are_failed_trials(app: Callable[..., App]) -> None:
    def task(cfg: DictConfig) -> float:
        return {0: math.nan, 1: 1 / cfg.x if cfg.x else 0, 2: 4.0}[cfg.x]

    made = app(HEAD + KEYS.replace("range(-3.0, 3.0, 0.5)", "range(0, 3)") + VALUES, task)
    assert made.sweep("y=1")["best_value"] == 1.0
    assert [trial.state.name for trial in trials_of(made)].count("FAIL") == 1


@pytest.mark.parametrize(("rate", "num_failed"), [(0, 1), (0.5, 4)])
def test_p3_too_many_failures_end_the_search(app: Callable[..., App], rate: float, num_failed: int) -> None:
    def task(cfg: DictConfig) -> float:
        raise RuntimeError("out of luck")

    made = app(HEAD + KEYS + VALUES, task)
    with pytest.raises(StoreError, match=f"{num_failed} of 6 trials failed.*RuntimeError: out of luck"):
        made.sweep(f"hydra.sweeper.max_failure_rate={rate}")
    assert len(trials_of(made)) == num_failed
    assert not (made.folder / "out" / "optimization_results.yaml").exists()


def test_p3_texts_and_lists_arrive_as_they_were_written(app: Callable[..., App]) -> None:
    seen: list[Any] = []

    def task(cfg: DictConfig) -> float:
        seen.append((cfg.x, OmegaConf.to_container(cfg.y) if OmegaConf.is_config(cfg.y) else cfg.y))
        return 0.0 if cfg.x == "{a}" else 1.0

    params = """    params: {x: "choice('a b','c,d','{a}')", y: "choice([1,2],'[3]')"}\n"""
    made = app(HEAD + "hydra:\n  sweeper:\n" + params + VALUES, task)
    results = made.sweep("hydra.sweeper.n_trials=9")
    assert sorted(seen, key=str) == sorted(((x, y) for x in ("a b", "c,d", "{a}") for y in ([1, 2], "[3]")), key=str)
    assert results["best_params"]["x"] == "{a}"


# a function for conditional spaces

FUNCTION = """
CALLS = []

def configure(cfg, trial):
    x = trial.params["x"]
    CALLS.append(trial.number)
    z = trial.suggest_float("z", x - cfg.width, x + cfg.width)
    if z > 0:
        trial.suggest_int("+depth", 1, 3)

def broken(cfg, trial):
    if CALLS or trial.params["x"] > 100:
        raise KeyError("x")
    CALLS.append(0)

def unknown(cfg, trial):
    trial.suggest_float("zz", 0, 1)

value = 3
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Overrides begin with this; the module has a name that is no identifier, as scripts may."""
    name = f"my-space-{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(FUNCTION)
    monkeypatch.syspath_prepend(tmp_path)
    return f"hydra.sweeper.custom_search_space={name}"


def test_p4_a_function_adds_parameters(app: Callable[..., App], functions: str) -> None:
    seen: list[dict[str, Any]] = []

    def task(cfg: DictConfig) -> float:
        seen.append(dict(cfg))
        return float(cfg.x**2 + cfg.z**2)

    made = app(HEAD + KEYS + VALUES + "z: 100\n", task)
    results = made.sweep(f"{functions}.configure", "width=0.25", "hydra.sweeper.n_trials=12")
    assert len(seen) == 12
    for values in seen:
        assert abs(values["z"] - values["x"]) <= 0.25
        assert ("depth" in values) == (values["z"] > 0)
    assert {"x", "y", "z"} <= results["best_params"].keys() <= {"x", "y", "z", "+depth"}


@pytest.mark.parametrize(
    ("name", "overrides", "said"),
    [
        ("nosuch", (), "which names no function that can be imported"),
        ("value", (), "which is 3; name a function"),
        ("unknown", (), "suggests zz, which is not a key of the config"),
        ("configure", ("z=1",), "suggests z, which has one value already"),
    ],
)
def test_p4_what_is_wrong_with_it_is_told_before_the_first_trial(
    app: Callable[..., App], functions: str, name: str, overrides: tuple[str, ...], said: str
) -> None:
    assert said in refused(app(HEAD + KEYS + VALUES + "z: 100\n"), f"{functions}.{name}", *overrides)


def test_p4_where_it_fails_later_that_trial_fails(app: Callable[..., App], functions: str) -> None:
    made = app(HEAD + KEYS + VALUES)
    with pytest.raises(StoreError, match="KeyError: 'x'"):
        made.sweep(f"{functions}.broken", "hydra.sweeper.max_failure_rate=0.4")
    assert {trial.user_attrs["kind"] for trial in trials_of(made)} == {"bad-config"}
    assert "calling it for a trial fails (KeyError" in refused(made, f"{functions}.broken")
