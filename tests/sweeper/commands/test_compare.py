"""`slimtune compare` on studies and on folders of trials; nothing is trained."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from slimtune.sweeper.cli import main
from slimtune.sweeper.search_config import study_url
from slimtune.sweeper.study.record import IDENTITY
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.tracking.display import log10_params
from slimtune.training.tracking.mlflow_runs import Tracker
from slimtune.training.tracking.uri import sqlite_url
from tests.conftest import make_lineage


def make_sweep(name: str, rates: list[float]) -> None:
    """Trials whose score is their learning rate, with a batch size."""
    folder = Path("outputs") / name
    folder.mkdir(parents=True)
    study = optuna.create_study(storage=study_url(folder.absolute()), study_name=name, direction="maximize")
    for at, rate in enumerate(rates):
        distributions = {
            "fit.learning_rate": optuna.distributions.FloatDistribution(1e-5, 1.0),
            "fit.batch_size": optuna.distributions.IntDistribution(1, 64),
        }
        params = {"fit.learning_rate": rate, "fit.batch_size": 8 * (at + 1)}
        attrs: dict[str, Any] = {"result": {"validation/accuracy": rate, "checkpoint": "c"}}
        trial = optuna.trial.create_trial(params=params, distributions=distributions, value=rate, user_attrs=attrs)
        study.add_trial(trial)


@pytest.fixture
def sweeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sweeps among the outputs of the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    make_sweep("one", [0.25, 0.75])
    make_sweep("two", [0.5])
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["compare", *words]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["compare", *words]) == 2
    return capsys.readouterr().err


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[tuple[str, int]]:
    """Sweep and number of the trials that are shown, in their order."""
    return [(one["sweep"], one["number"]) for one in json.loads(said(capsys, *words, "--json"))]


@pytest.mark.usefixtures("sweeps")
def test_trials_of_several_sweeps_are_one_list(capsys: pytest.CaptureFixture[str]) -> None:
    """The best of all first; the table says whose they are."""
    assert listed(capsys, "one", "two") == [("one", 1), ("two", 0), ("one", 0)]
    lines = said(capsys, "one", "two").splitlines()
    first = lines.index("sweeps one, two: objective (maximize)")
    assert [line.split()[0] for line in lines[first + 2 : -1]] == ["one", "two", "one"]


@pytest.mark.usefixtures("sweeps")
def test_several_sweeps_are_told_apart_first(capsys: pytest.CaptureFixture[str]) -> None:
    """What each came to, what it has not yet, and the settings in which they differ."""
    for name, epochs in (("one", "3"), ("two", "8")):
        study = optuna.load_study(study_name=name, storage=study_url((Path("outputs") / name).absolute()))
        study.set_user_attr(IDENTITY, {"task.metric": "accuracy", "fit.epochs": epochs, "fit.warmup_share": "0.1"})
    study.set_user_attr("winner", {"trial": 0, "score": 0.5})
    scores = {"accuracy": {"value": 0.75, "low": 0.5, "high": 1.0}}
    study.set_user_attr("test", {"key": "", "result": {"num_rows": 4, "scores": scores}})
    reports = [{"name": "fp16", "size_mb": 45.53}, {"name": "pytorch", "size_mb": 91.0}]
    study.set_user_attr("export", {"key": "", "result": {"chosen": "fp16", "reports": reports}})
    lines = said(capsys, "one", "two").splitlines()
    assert lines[:7] == [
        "sweeps, each with its winner",
        "sweep  trials   winner  validation mean    test     95 % interval    MB",
        "one         2        -                -       -                 -     -",
        "two         1  trial 0           0.5000  0.7500  0.5000 to 1.0000  45.5",
        "settings, where they differ",
        "key         one  two",
        "fit.epochs    3    8",
    ]


@pytest.mark.usefixtures("sweeps")
def test_a_searched_setting_is_told_by_its_winner(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a search begins is nothing that two sweeps differ in."""
    for name, rate in (("one", "0.001"), ("two", "0.01")):
        study = optuna.load_study(study_name=name, storage=study_url((Path("outputs") / name).absolute()))
        study.set_user_attr(IDENTITY, {"fit.learning_rate": rate})
    study.set_user_attr("winner", {"trial": 0, "score": 0.5})
    (row,) = [line.split() for line in said(capsys, "one", "two").splitlines() if line.startswith("fit.learning_rate ")]
    assert row == ["fit.learning_rate", "searched", "searched:", f"{study.trials[0].params['fit.learning_rate']:g}"]


@pytest.mark.usefixtures("sweeps")
def test_what_one_sweep_searched_is_told_of_one_that_fixed_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("outputs/three").mkdir()
    study = optuna.create_study(
        storage=study_url(Path("outputs/three").absolute()), study_name="three", direction="maximize"
    )
    study.set_user_attr(IDENTITY, {"fit.learning_rate": "0.125", "fit.epochs": "3"})
    study.add_trial(optuna.trial.create_trial(value=0.9, user_attrs={"result": {"checkpoint": "c"}}))
    (row,) = [line.split() for line in said(capsys, "one", "three").splitlines() if line.split()[:2] == ["three", "0"]]
    assert row[:4] == ["three", "0", "complete", "0.125"]


@pytest.mark.usefixtures("sweeps")
def test_sweeps_that_go_by_different_metrics_follow_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where both are to be large: accuracy beside F1."""
    for name, metric in (("one", "accuracy"), ("two", "f1_macro")):
        study = optuna.load_study(study_name=name, storage=study_url((Path("outputs") / name).absolute()))
        study.set_user_attr(IDENTITY, {"task.metric": metric})
    assert listed(capsys, "two", "one") == [("two", 0), ("one", 1), ("one", 0)]
    assert "sweeps one: accuracy (maximize); two: f1_macro (maximize)" in said(capsys, "one", "two").splitlines()
    assert said(capsys, "one").splitlines()[0].strip() == "sweep one: accuracy (maximize)"


@pytest.mark.usefixtures("sweeps")
def test_one_sweep_is_shown_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, "one") == [("one", 1), ("one", 0)]
    assert said(capsys, "one").splitlines()[2].split()[:2] == ["1", "complete"]


@pytest.mark.usefixtures("sweeps")
@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["--sort", "learning_rate"], [0, 1]),
        (["--sort", "-learning_rate"], [1, 0]),
        (["--sort", "accuracy", "--descending"], [1, 0]),
        (["--sort", "batch_size", "--top", "1"], [0]),
        (["--where", "learning_rate>0.5"], [1]),
        (["--where", "state=complete", "--where", "batch_size<9"], [0]),
        (["--where", "state=failed"], []),
    ],
)
def test_trials_are_sorted_and_chosen(capsys: pytest.CaptureFixture[str], words: list[str], numbers: list[int]) -> None:
    assert [number for _, number in listed(capsys, "one", *words)] == numbers


@pytest.mark.usefixtures("sweeps")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["one", "--sort", "lerning_rate"], "did you mean 'learning_rate'?"),
        (["one", "--where", "batchsize=8"], "did you mean 'batch_size'?"),
        (["one", "--top", "0"], "--top is 0; use a whole number of 1 or more"),
        (["one", "--descending"], "--sort is not given"),
        (["oen"], "did you mean 'one'?"),
    ],
)
def test_what_cannot_be_is_one_sentence(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    assert sentence in refused(capsys, *words)


@pytest.mark.usefixtures("sweeps")
def test_csv_is_read_by_others(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a trial, whole numbers."""
    first, _ = csv.DictReader(io.StringIO(said(capsys, "one", "--csv")))
    assert (first["sweep"], first["trial"], float(first["fit.learning_rate"])) == ("one", "1", 0.75)


@pytest.mark.usefixtures("sweeps")
def test_other_trials_come_after_the_complete_ones_by_state_and_last_score(capsys: pytest.CaptureFixture[str]) -> None:
    """As on the page: not by their numbers."""
    folder = Path("outputs") / "one"
    study = optuna.load_study(storage=study_url(folder.absolute()), study_name="one")
    rate = optuna.distributions.FloatDistribution(1e-5, 1.0)
    for state, last in (("FAIL", None), ("PRUNED", 0.3), ("PRUNED", 0.9)):
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState[state],
                params={"fit.learning_rate": 0.1},
                distributions={"fit.learning_rate": rate},
                intermediate_values={} if last is None else {10: 0.95, 20: last},
            )
        )
    assert listed(capsys, "one") == [("one", number) for number in (1, 0, 4, 3, 2)]


def a_trial_folder(path: Path, *, rate: float, accuracy: float) -> Path:
    """As a trial leaves it: its config, and a checkpoint with its scores."""
    (path / "checkpoint-8").mkdir(parents=True)
    (path / "config.yaml").write_text(f"fit:\n  learning_rate: {rate}\n  epochs: 3\n")
    record = {"scores": {"validation/accuracy": accuracy, "train/loss": 0.5, "objective": accuracy}}
    (path / "checkpoint-8" / "slimtune.json").write_text(json.dumps(record))
    return path


def test_two_trials_differ_in_config_and_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By their folders; what they have in common is left out, and so is the objective, which a pruned trial's run has
    otherwise than its best checkpoint.
    """
    first = str(a_trial_folder(tmp_path / "0", rate=0.1, accuracy=0.5))
    second = str(a_trial_folder(tmp_path / "1", rate=0.2, accuracy=0.75))
    found = json.loads(said(capsys, first, second, "--json"))
    assert found == {"config": {"fit.learning_rate": ["0.1", "0.2"]}, "metrics": {"best/accuracy": [0.5, 0.75]}}
    assert "+0.25" in said(capsys, first, second)
    assert said(capsys, first, first).splitlines() == ["config: no difference", "metrics: no difference"]


@pytest.mark.usefixtures("sweeps")
def test_a_sweep_and_a_run_do_not_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor do three runs."""
    trial = str(a_trial_folder(tmp_path / "0", rate=0.1, accuracy=0.5))
    assert "compare names of sweeps, or two runs" in refused(capsys, "one", trial)
    assert "compare names of sweeps, or two runs" in refused(capsys, trial, trial, trial)


@pytest.mark.usefixtures("sweeps")
def test_a_run_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a store, none is made."""
    assert "there is no run" in refused(capsys, "0" * 32, "1" * 32)
    assert not Path("mlruns").exists()


def test_a_broken_config_of_a_trial_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trial = a_trial_folder(tmp_path / "0", rate=0.1, accuracy=0.5)
    (trial / "config.yaml").write_text("fit: [")
    assert "config.yaml cannot be read" in refused(capsys, str(trial), str(trial))


def test_the_winner_is_marked_beside_the_best_single_score(sweeps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the table, among the objects, and as what trials are chosen by."""
    study = optuna.load_study(study_name="one", storage=study_url((sweeps / "outputs" / "one").absolute()))
    study.set_user_attr("winner", {"trial": 0, "params": {}, "score": 0.7})
    told = said(capsys, "one")
    assert "0.7500 *" in told
    assert "0.2500 W" in told
    assert "W the winner, by its mean over seeds" in told
    assert {one["number"]: one["winner"] for one in json.loads(said(capsys, "one", "--json"))} == {0: True, 1: False}
    assert [one["number"] for one in json.loads(said(capsys, "one", "--json", "--where", "winner=true"))] == [0]


def test_runs_of_the_tracker_differ_in_keys_of_their_configs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not in the logarithms that the tracker's own views need."""
    uri = sqlite_url(tmp_path / "runs.db")
    tracker = Tracker(mlflow_at(uri), "e")
    ids = []
    for rate in (0.1, 0.001):
        run = tracker.start(make_lineage(tmp_path))
        sampled = {"fit.learning_rate": rate}
        run.log_params({**sampled, **log10_params(sampled, list(sampled))})
        ids.append(str(run.run_id))
    found = json.loads(said(capsys, *ids, "--tracking-uri", uri, "--json"))
    assert list(found["config"]) == ["fit.learning_rate"]


def test_a_run_without_scores_is_no_run_with_the_same_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence says which of them has none, and why; for programs there is nothing in the place of metrics."""
    scored, other = a_trial_folder(tmp_path / "0", rate=0.1, accuracy=0.5), tmp_path / "1"
    other.mkdir()
    (other / "config.yaml").write_text("fit:\n  learning_rate: 0.1\n  epochs: 3\n")
    for pair in ((scored, other), (other, scored)):
        first, second = said(capsys, *map(str, pair)).splitlines()
        assert first == "config: no difference"
        assert second.startswith(f"metrics: {other} has no scores: it holds no checkpoint; its trial is under way")
    assert json.loads(said(capsys, str(scored), str(other), "--json")) == {"config": {}, "metrics": None}


def tracked(uri: str, folder: Path, *, kind: str, sweep: str) -> str:
    """The id of a run of this kind."""
    lineage = replace(make_lineage(folder), kind=kind, tags={"sweep": sweep})
    return str(Tracker(mlflow_at(uri), "e").start(lineage).run_id)


def test_the_runs_of_sweeps_themselves_are_compared_by_the_sweeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They have no config of a trial, so that nothing would differ; nor does one compare with a trial's."""
    uri = sqlite_url(tmp_path / "runs.db")
    one, other = (tracked(uri, tmp_path, kind="sweep", sweep=name) for name in ("one", "it's"))
    trial, rerun, export = (tracked(uri, tmp_path, kind=kind, sweep="one") for kind in ("trial", "rerun", "export"))
    store = ("--tracking-uri", uri)
    assert """compare the sweeps: slimtune compare one 'it'"'"'s'\n""" in refused(capsys, one, other, *store)
    told = f"{trial} is the run of a trial, and {one} is the run of a sweep itself (one), which do not compare"
    assert told in refused(capsys, trial, one, *store)
    assert f"{export} is the run of an export" in refused(capsys, export, rerun, *store)
    assert said(capsys, trial, rerun, *store).startswith("config: no difference")


@pytest.mark.usefixtures("sweeps")
def test_what_is_neither_a_sweep_nor_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also a part of an id, alone or beside others; and one run, where two are wanted."""
    trial, run = str(a_trial_folder(tmp_path / "0", rate=0.1, accuracy=0.5)), "0a" * 16
    for words in (["9ac51104"], ["9ac51104", "one"], [run, "9ac51104"]):
        assert "'9ac51104' is neither a sweep's name nor a run's id of 32 signs" in refused(capsys, *words)
    assert "'oen' is neither" in refused(capsys, trial, "oen")
    assert f"'one' is a sweep, and '{run}' is a run" in refused(capsys, run, "one")
    assert f"{run}: one run" in refused(capsys, run)


def test_versions_of_registered_models_are_compared_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(capsys, "models:/plants/1", "models:/plants@champion")
    assert "slimtune promote models:/plants/1 --data rows.csv --dry-run" in told
    assert "slimtune history plants" in told


@pytest.mark.usefixtures("sweeps")
def test_that_no_trial_keeps_a_condition_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In place of a table without rows and of what would stand under it."""
    assert said(capsys, "one", "--where", "learning_rate>1") == "none of the 2 trials of one keeps learning_rate>1\n"
    several = said(capsys, "one", "two", "--where", "learning_rate>1", "--where", "state=complete").splitlines()
    assert several[-1] == "none of the 3 trials of one, two keeps learning_rate>1 and state=complete"
    assert said(capsys, "one", "--where", "learning_rate>1", "--json") == "[]\n"
