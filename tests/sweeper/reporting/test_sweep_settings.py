"""What two sweeps were given, as people give it, from the study or from the configs of the trials."""

from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from slimtune.sweeper.goals.goals import Goals
from slimtune.sweeper.pruner_config import Combination, MedianStopping, NoPruning, Patience, SuccessiveHalving
from slimtune.sweeper.reporting.sweep_settings import SweepSettings, as_set, settings_of, settings_to_note
from slimtune.sweeper.reporting.sweeps_table import settings_table, sweeps_table
from slimtune.sweeper.study.loaded import LoadedTrials
from slimtune.sweeper.study.record import BUDGET, IDENTITY, SETTINGS, WINNER

HALVING = SuccessiveHalving(name="successive_halving", min_examples=None, reduction_factor=2)
CONFIG: dict[str, Any] = {
    "task": {"name": "classification"},
    "search": {"name": "one", "storage": None, "n_trials": 4, "num_workers": 1, "pruner": {"name": "none"}},
    "export": {"variants": ["fp16", "int8"], "registered_model": "one", "opset": 20},
    "tracking": {"uri": "sqlite:///a.db", "log_every": 10},
    "space": {"fit": {"learning_rate": {"low": 0.1}}},
    "data": {"train_file": "a.csv", "seed": 0},
    "method": {"r": 27},
}


def rows_of(**settings: dict[str, str] | SweepSettings) -> dict[str, list[str]]:
    """The table's cells by key."""
    given = {
        name: one if isinstance(one, SweepSettings) else SweepSettings(as_set(one), {})
        for name, one in settings.items()
    }
    sweeps = {name: LoadedTrials([], Goals(), {}) for name in given}
    console = Console(width=200, record=True)
    with console.capture() as captured:
        console.print(settings_table(sweeps, given))
    return {line.split()[0]: line.split()[1:] for line in captured.get().splitlines()[2:]}


def test_the_test_score_of_an_earlier_winner_is_not_shown() -> None:
    test = {"key": "", "checkpoint": "trials/3/checkpoint", "result": {"scores": {"f1": {"value": 0.4321}}}}
    shown = []
    for checkpoint in ("there/trials/3/checkpoint", "there/trials/0/checkpoint"):
        attrs = {WINNER: {"trial": 0, "score": 0.5, "checkpoint": checkpoint}, IDENTITY: {"task.metric": "f1"}}
        console = Console(width=200)
        with console.capture() as captured:
            console.print(sweeps_table({"one": LoadedTrials([], Goals(), {**attrs, "test": test})}))
        shown.append("0.4321" in captured.get())
    assert shown == [True, False]


def test_options_are_told_by_name() -> None:
    """What another option brings with it follows from that."""
    pruners = [{"search.pruner": str(one)} for one in (HALVING, NoPruning(name="none"))]
    assert rows_of(a=pruners[0], b=pruners[1]) == {"search.pruner": ["successive_halving", "none"]}


def test_one_setting_of_an_option_has_its_own_key() -> None:
    """Also inside an option that is made of others."""
    median = MedianStopping(name="median", n_startup_trials=5, n_warmup_examples=0)
    other = MedianStopping(name="median", n_startup_trials=9, n_warmup_examples=0)
    pruners: list[dict[str, str]] = []
    for one in (median, other):
        patient = Patience(name="patient", evaluations=2, min_delta=0.0, pruner=one)
        whole = Combination(name="combination", rule="any", pruners={"a": patient, "b": HALVING})
        pruners.append({"search.pruner": str(whole)})
    key = "search.pruner.pruners.a.pruner.n_startup_trials"
    assert rows_of(a=pruners[0], b=pruners[1]) == {key: ["5", "9"]}


def test_values_are_written_as_they_are_given() -> None:
    given = {"task.metrics": "['accuracy', 'f1']", "fit.eval_steps": "None", "data.text_template": "[INST] {text}"}
    assert as_set({**given, "fit.use": "True"}) == {
        "task.metrics": "[accuracy, f1]",
        "fit.eval_steps": "null",
        "data.text_template": "[INST] {text}",
        "fit.use": "true",
    }


def test_everything_that_was_set_is_noted_but_names_and_places() -> None:
    """The identity has what scores depend on already."""
    identity = {"search.pruner": str(NoPruning(name="none")), "data.seed": "0"}
    assert settings_to_note(CONFIG, identity) == {
        "search.n_trials": "4",
        "search.num_workers": "1",
        "export.variants": "[fp16, int8]",
        "export.opset": "20",
        "tracking.log_every": "10",
        "data.train_file": "a.csv",
    }


def test_settings_of_an_earlier_sweep_are_those_of_its_last_trial(tmp_path: Path) -> None:
    """But for the budget, which the study has; what was noted goes first."""
    for number, workers in ((2, 1), (10, 3)):
        folder = tmp_path / "trials" / str(number)
        folder.mkdir(parents=True)
        config = {**CONFIG, "search": {"n_trials": 4, "num_workers": workers}}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    found = settings_of({IDENTITY: {"data.seed": "0"}, BUDGET: 9}, tmp_path).others
    assert found is not None
    assert (found["search.num_workers"], found["search.n_trials"]) == ("3", "9")
    assert settings_of({SETTINGS: {"search.num_workers": "5"}}, tmp_path).others == {"search.num_workers": "5"}
    assert settings_of({IDENTITY: {"data.seed": "0"}}, tmp_path / "elsewhere").others is None


def test_budget_workers_and_variants_stand_in_the_table() -> None:
    """A direction follows from the metric."""
    first = {"search.n_trials": "4", "search.num_workers": "1", "export.variants": "[fp16]"}
    second = {"search.n_trials": "6", "search.num_workers": "2", "export.variants": "[fp16, int8]"}
    known = [
        {"task.metric": metric, "task.direction": way, "search.direction": way}
        for metric, way in (("accuracy", "maximize"), ("loss", "minimize"))
    ]
    assert rows_of(a=SweepSettings(known[0], first), b=SweepSettings(known[1], second)) == {
        "task.metric": ["accuracy", "loss"],
        "search.n_trials": ["4", "6"],
        "search.num_workers": ["1", "2"],
        "export.variants": ["[fp16]", "[fp16,", "int8]"],
    }


def test_what_is_not_known_of_one_sweep_is_not_compared_and_that_is_told() -> None:
    known = SweepSettings({"fit.epochs": "3"}, {"search.n_trials": "4"})
    rows = rows_of(a=known, b=SweepSettings({"fit.epochs": "8"}, None))
    assert rows["fit.epochs"] == ["3", "8"]
    assert "search.n_trials" not in rows
    assert rows["how"][-1] == "b"
