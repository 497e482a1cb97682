"""Whole sweeps over a tiny model."""

import json
import os
import re
import signal
from pathlib import Path

import psutil
import pytest

from slimtune.sweeper.commands.arguments.export_source import ExportRequest, opened
from tests.end_to_end.conftest import Sweep, Swept
from tests.end_to_end.waiting import wait_for_points, wait_for_running, wait_for_trials

pytestmark = pytest.mark.slow


def scores(sweep: Sweep) -> list[tuple[str, float | None, str]]:
    return [(trial["state"], trial["objective"], json.dumps(trial["params"])) for trial in sweep.trials()]


def num_reruns(sweep: Sweep) -> int:
    """One for each finalist: three, or as many as completed."""
    return min(3, [trial["state"] for trial in sweep.trials()].count("complete"))


def test_a_sweep_from_ones_own_file_to_a_registered_model(swept: Swept) -> None:
    """Search, reruns, test, export, registry and predict, with the objects that scripts rely on; what has ended is
    exported by the same command with an export. A bag of words has all of these rows right, so the gate refuses what is
    not better, unless it does not ask for that."""
    assert "Baseline not beaten: bag of words has accuracy 0." in " ".join(swept.output.split())
    sweep, exporting = swept.sweep, ("export=onnx", "export.min_agreement=0.5", "export.max_metric_drop=0.5")
    refused = sweep.run(*exporting)
    assert "registered: mine version 1, no alias" in refused.stdout, refused.stderr
    assert "no alias: beats_baseline refuses it: " in " ".join(refused.stdout.split())
    exporting = (*exporting, "promotion.beats_baseline=false")
    done = sweep.run(*exporting)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = sweep.trials()
    assert [trial["number"] for trial in trials] == list(range(6))
    assert trials[0].keys() >= {"number", "state", "objective", "params", "run_id", "seconds"}
    assert {trial["state"] for trial in trials} <= {"complete", "pruned"}
    assert set(trials[0]["params"]) == {"fit.learning_rate", "fit.batch_size", "method.r"}
    assert "registered: mine version 1, alias champion" in done.stdout
    assert "test, read once, 18 rows" in done.stdout
    best = max(trial["objective"] for trial in trials if trial["state"] == "complete")
    assert best > 0.6, "chance is 0.33"
    predicted = sweep.slimtune("predict", "--model", "models:/mine@champion", "--text", "dreadful soup")
    assert predicted.stdout.split("\t")[0] in {"plus", "minus", "zero"}, predicted.stderr
    bundle = sweep.folder / "outputs" / "mine" / "export" / "bundle"
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["test"]["num_rows"] == 18
    assert manifest["sweep"] == "mine"
    assert manifest["baselines"]
    assert manifest["leaks"].keys() == {"exact", "near", "removed"}
    again = sweep.run(*exporting)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "registered: mine version 1" in again.stdout, "a finished sweep is told again, not done again"
    assert "no trial is left to run: those of 'mine'" in again.stdout


def test_what_a_sweep_chose_is_exported_by_its_name(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder and the id of its run name the same checkpoint."""
    sweep = swept.sweep
    exported = sweep.slimtune("export", "--run", "mine", "--out", "out", "export.variants=[]")
    assert exported.returncode == 0, exported.stdout + exported.stderr
    manifest = json.loads((sweep.folder / "out" / "bundle" / "manifest.json").read_text())
    chosen = manifest["source_checkpoint"]
    assert manifest["sweep"] == "mine"
    # as the sweep told at its end
    assert "".join(chosen.split()) in "".join(swept.output.split())
    monkeypatch.chdir(sweep.folder)
    (parent,) = sweep.runs("sweep")
    for name in ("mine", "outputs/mine", parent.info.run_id):
        with opened(ExportRequest(name, None, None, None, [], {})) as source:
            assert str(source.checkpoint) == chosen


def test_the_runs_in_mlflow(swept: Swept) -> None:
    """One parent, one child a trial, with config, params, histories on one axis, data set and environment."""
    from slimtune.training.tracking.mlflow_runs import client_of

    sweep = swept.sweep
    (parent,) = sweep.runs("sweep")
    children = sweep.runs("trial")
    assert len(children) == 6
    assert len(sweep.runs("rerun")) == num_reruns(sweep)
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.info.status for run in children} == {"FINISHED"}
    assert {run.info.run_id for run in children} == {trial["run_id"] for trial in sweep.trials()}
    assert "objective" not in parent.data.metrics
    client = client_of(f"sqlite:///{sweep.folder / 'mlruns' / 'mlflow.db'}")
    complete = next(run for run in children if run.data.tags["state"] == "complete")
    for key in ("validation/loss", "train/loss"):
        assert [point.step for point in client.get_metric_history(complete.info.run_id, key)] == [84, 168, 252], key
    # and in the end the best one, which the tracker shows
    objective = client.get_metric_history(complete.info.run_id, "objective")
    assert [point.step for point in objective] == [84, 168, 252, 253]
    assert objective[-1].value == max(point.value for point in objective) == complete.data.metrics["objective"]
    assert complete.data.params["fit.epochs"] == "3"
    assert "log10_learning_rate" in complete.data.params
    files = {item.path for item in client.list_artifacts(complete.info.run_id)}
    assert files == {"config.yaml", "predictions.json", "per_label.json", "confusion.svg"}
    artifacts = {item.path for item in client.list_artifacts(parent.info.run_id)}
    assert artifacts >= {
        "config.yaml",
        "environment.json",
        "data_report.json",
        "data_report.txt",
        "leaderboard.json",
        "report.html",
        "test.json",
        "checkpoint",
    }
    table = json.loads(Path(client.download_artifacts(parent.info.run_id, "leaderboard.json")).read_text())
    lines = [dict(zip(table["columns"], line, strict=True)) for line in table["data"]]
    assert [str(line["trial"]) for line in lines if line["winner"]] == [parent.data.tags["winner"]]
    for run in (parent, complete):
        rows = {one.tags[0].value: json.loads(one.dataset.profile)["num_rows"] for one in run.inputs.dataset_inputs}
        assert rows == {"train": 84, "validation": 18, "test": 18}
    assert complete.data.tags["slimtune.version"]


def test_two_sweeps_with_the_same_seed_are_the_same(swept: Swept, sweep: Sweep) -> None:
    """Trials, parameters and scores, to the last bit, on one worker, tracked or not."""
    assert sweep.run("tracking=none").returncode == 0
    first = scores(swept.sweep)
    assert scores(sweep) == first
    assert len({params for _, _, params in first}) == 6


def test_a_killed_sweep_goes_on_to_the_same_end(swept: Swept, sweep: Sweep) -> None:
    """SIGKILL in the middle, the same command again: the asked number of trials, no run twice, and the
    scores of a sweep that was never killed; trials under way go on from the state that they saved."""
    unbroken = scores(swept.sweep)
    for number in (1, 3):
        process = sweep.start("fit.save_minutes=0")
        wait_for_trials(sweep, process, number)
        process.kill()
        process.join()
    done = sweep.run("fit.save_minutes=0")
    assert done.returncode == 0, done.stdout + done.stderr
    trials = sweep.trials()
    assert len(trials) == 6
    assert sorted(scores(sweep)) == sorted(unbroken)
    runs = sweep.runs("trial")
    assert len(runs) == 6
    assert {run.info.run_id for run in runs} == {trial["run_id"] for trial in trials}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(sweep.runs("sweep")) == 1
    assert len(sweep.runs("rerun")) == num_reruns(sweep)


def test_a_retried_run_has_no_point_twice(sweep: Sweep) -> None:
    from slimtune.training.tracking.mlflow_runs import client_of

    long = (
        "fit.epochs=15",
        "fit.patience=null",
        "fit.save_minutes=0",
        "search.rerun_seeds=0",
        "search.n_trials=2",
        "search/pruner=none",
    )
    process = sweep.start(*long)
    wait_for_points(sweep, process)
    process.kill()
    process.join()
    assert sweep.run(*long).returncode == 0
    client = client_of(f"sqlite:///{sweep.folder / 'mlruns' / 'mlflow.db'}")
    for run in sweep.runs("trial"):
        steps = [point.step for point in client.get_metric_history(run.info.run_id, "validation/loss")]
        assert steps == sorted(set(steps))
    assert any("resumed_at" in run.data.tags for run in sweep.runs("trial"))


@pytest.mark.parametrize("workers", [(), ("hydra/launcher=joblib", "search.num_workers=2")], ids=["here", "joblib"])
def test_ctrl_c_lets_trials_save_and_says_how_to_resume(sweep: Sweep, workers: tuple[str, ...]) -> None:
    """A terminal interrupts workers too; the launching process alone hears it."""
    long = ("fit.epochs=30", "fit.patience=null", "search/pruner=none", "search.n_trials=2", "search.rerun_seeds=0")
    process = sweep.start(*long, *workers)
    # one that is still importing has no trial that it could save
    wait_for_running(sweep, process, 2 if workers else 1)
    wait_for_points(sweep, process)
    for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
        one.send_signal(signal.SIGINT)
    process.join()
    output = sweep.said()
    assert process.exitcode == 130, output
    assert "stopping: trials save what they have; Ctrl-C again ends at once" in output
    assert "was stopped by Ctrl-C" in output
    assert re.search(r"waits? with what (it has|they have) saved", output)
    assert "To resume: slimtune resume" in output
    assert "Traceback" not in output
    assert sweep.run(*long).returncode == 0
    assert len(sweep.trials()) == 2
    assert any("resumed_at" in run.data.tags for run in sweep.runs("trial"))


def test_another_config_under_the_same_name_is_refused(sweep: Sweep) -> None:
    """All that differs is named; a larger budget is no difference."""
    first = sweep.run("tracking=none", "search.n_trials=2", "search.rerun_seeds=0")
    assert first.returncode == 0
    assert "not registered: export=none and tracking=none" in first.stdout
    done = sweep.run("tracking=none", "search.n_trials=2", "fit.epochs=4")
    assert done.returncode == 2
    assert "fit.epochs: 3" in done.stderr
    assert "take another search.name" in done.stderr
    assert sweep.run("tracking=none", "search.n_trials=3", "search.rerun_seeds=0").returncode == 0
    assert len(sweep.trials()) == 3


def test_a_larger_budget_goes_on_with_new_finalists_and_a_new_winner(sweep: Sweep) -> None:
    """Finished stages are not taken for those of another winner, nor for those of another export config."""
    onnx = ("export=onnx", "export.variants=[]", "search.finalists=2")
    assert sweep.run(*onnx, "search.n_trials=2").returncode == 0
    done = sweep.run(*onnx, "search.n_trials=4", "export.registered_model=other")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "registered: other version 1" in done.stdout
    manifest = json.loads((sweep.folder / "outputs" / "mine" / "export" / "bundle" / "manifest.json").read_text())
    winner = next(line for line in done.stdout.splitlines() if " * " in line).split()
    assert manifest["trial"] == int(winner[0])
    assert [run.info.run_id for run in sweep.runs("sweep")] == [manifest["parent_run"]]
    names = {run.info.run_name for run in sweep.runs("rerun")}
    assert f"t{manifest['trial']:02d} seed 1" in names


def test_failed_trials_are_recorded_and_the_sweep_goes_on(sweep: Sweep) -> None:
    """A learning rate beyond all floats diverges; the others are searched on."""
    rates = "fit.learning_rate=choice(1e-3,1e38)"
    done = sweep.run(rates, "fit.max_grad_norm=null", "fit.warmup_share=0", "search/sampler=random", "search.seed=3")
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = {(trial["params"]["fit.learning_rate"], trial["kind"]) for trial in sweep.trials()}
    assert kinds == {(1e-3, None), (1e38, "diverged")}
    assert "failed (diverged): Diverged: step" in done.stdout
    assert {run.info.status for run in sweep.runs("trial")} == {"FINISHED", "FAILED"}


def test_a_key_that_is_set_is_not_searched(sweep: Sweep) -> None:
    done = sweep.run("tracking=none", "fit.batch_size=16", "search.n_trials=2", "search.rerun_seeds=0")
    assert done.returncode == 0, done.stderr
    assert all(set(trial["params"]) == {"fit.learning_rate", "method.r"} for trial in sweep.trials())


def test_train_runs_one_trial(sweep: Sweep) -> None:
    done = sweep.train()
    assert done.returncode == 0, done.stderr
    assert "best: objective" in done.stdout
    (run,) = sweep.runs("trial")
    assert run.info.status == "FINISHED"
    folder = done.stdout.split("checkpoint: ")[1].splitlines()[0]
    exported = sweep.slimtune("export", "--run", folder, "--out", "exported", "export.min_agreement=0.5")
    assert exported.returncode == 0, exported.stderr
    assert (sweep.folder / "exported" / "bundle" / "manifest.json").is_file()


def test_a_storm_leaves_no_run_open(sweep: Sweep) -> None:
    """A worker and the launching process are killed: one finished run for each trial, and nothing else."""
    import random

    from tests.sweeper.search.storm import kill_a_worker

    parallel = ("hydra/launcher=joblib", "search.num_workers=2", "search.max_retries=9", "search.rerun_seeds=0")
    process = sweep.start(*parallel)
    wait_for_trials(sweep, process, 1)
    kill_a_worker(process, random.Random(0))
    wait_for_trials(sweep, process, 2)
    process.kill()
    process.join()
    # a worker of its own would import everything once more
    done = sweep.run(*parallel[2:])
    assert done.returncode == 0, done.stdout + done.stderr
    trials, runs = sweep.trials(), sweep.runs("trial")
    assert len(trials) == len(runs) == 6
    assert {trial["state"] for trial in trials} <= {"complete", "pruned"}
    assert {run.info.run_id for run in runs} == {trial["run_id"] for trial in trials}
    assert {run.info.status for run in [*runs, *sweep.runs("sweep")]} == {"FINISHED"}


def test_a_stopped_sweep_is_resumed_to_the_same_end(sweep: Sweep, tmp_path: Path) -> None:
    """Its trial ends with its state saved, under a closed run; `slimtune resume` needs nothing but the name."""
    long = ("fit.epochs=30", "fit.patience=null", "search/pruner=none", "search.n_trials=1", "search.rerun_seeds=0")
    assert sweep.run(*long, "tracking=none").returncode == 0
    unbroken = scores(sweep)
    sweep.folder = tmp_path / "stopped"
    sweep.folder.mkdir()
    process = sweep.start(*long)
    wait_for_points(sweep, process)
    assert process.pid is not None
    # on a quick machine the trial would end while the command starts; a process that sleeps as it writes locks SQLite
    asked = None
    while asked is None or "database is locked" in asked.stderr:
        os.kill(process.pid, signal.SIGSTOP)
        asked = sweep.slimtune("stop", "mine", "--no-wait")
        os.kill(process.pid, signal.SIGCONT)
    assert asked.returncode == 0, asked.stderr
    assert "is asked to stop" in asked.stdout
    process.join()
    output = sweep.said()
    assert process.exitcode == 130, output
    assert "was stopped by" in output
    assert "RUNNING" not in {run.info.status for run in [*sweep.runs("trial"), *sweep.runs("sweep")]}
    assert json.loads(sweep.slimtune("status", "mine", "--json").stdout)["state"] == "stopped"
    resumed = sweep.slimtune("resume", "mine")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert sorted(scores(sweep)) == sorted(unbroken)
    assert any("resumed_at" in run.data.tags for run in sweep.runs("trial"))
    assert {run.info.status for run in sweep.runs("trial")} == {"FINISHED"}
