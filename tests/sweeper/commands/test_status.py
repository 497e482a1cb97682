"""`slimtune status` on studies; nothing is trained."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.sweeper.campaigns.selection.finalist_reruns import forget_winner
from slimtune.sweeper.cli import main
from slimtune.sweeper.finalist import Winner
from slimtune.sweeper.goals.goals import Goals, Objective
from slimtune.sweeper.search.beginning import note_goals
from slimtune.sweeper.search.launchers.origin import launching_process
from slimtune.sweeper.study import Lease, Study
from slimtune.sweeper.study.analysis.attempts import NAME
from slimtune.sweeper.study.liveness.launcher import Launcher
from slimtune.sweeper.study.record import BUDGET, COSTS, DOING, ENDED, ENDED_BY, PLACE, RESULT, SETTINGS, WINNER
from slimtune.training.config.tracking import mlflow_at
from slimtune.training.tracking.places.place import place_of
from slimtune.training.tracking.uri import URI_VARIABLE, sqlite_url
from slimtune.training.trial import FailureKind


def complete(study: Study, *scores: float) -> None:
    """Run its next trials, or reruns, to their ends."""
    with Lease(study) as lease:
        for score in scores:
            asked = study.ask(lease.worker)
            assert asked is not None
            study.complete(asked.number, score)


def status_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["status", "mine", "--json"]) == 0
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    return values


def test_how_a_sweep_stands(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Trials by state, the best, what runs and where, and what is left; for people and for scripts."""
    with Launcher(study.roster) as own:
        own.begun()
        assert main(["status", "mine"]) == 0
        assert f"led by {own.name}, its workers are starting" in capsys.readouterr().out
    with Launcher(study.roster) as own, Lease(study) as lease:
        own.begun()
        for end in (lambda n: study.complete(n, 0.5), lambda n: study.fail(n, FailureKind.timeout), None):
            asked = study.ask(lease.worker)
            assert asked is not None
            if end:
                end(asked.number)
        study.report(2, 10, objective=0.25, progress=0.5)
        values = status_of(capsys)
        assert (values["state"], values["n_trials"], values["left"]) == ("running", 4, 2)
        assert values["trials"] == {"complete": 1, "failed (timeout)": 1, "running": 1}
        assert values["best"]["number"] == 0
        (running,) = values["running"]
        assert (running["number"], running["progress"], running["worker"]) == (2, 0.5, lease.worker)
        assert values["launchers"] == [own.name]
        assert main(["status", "mine"]) == 0
        said = capsys.readouterr().out
    assert "sweep mine: running" in said
    assert "trials: 2 of 4 have ended (1 complete, 1 failed (timeout), 1 running)" in said
    assert "best: objective 0.5000, trial 0" in said
    assert f"led by {own.name}, with 1 worker" in said


@pytest.mark.parametrize(
    ("number", "told"),
    [("1", "its worker is starting"), ("2", "its 2 workers are starting"), ("two", "its workers are starting")],
)
def test_workers_that_have_not_begun_are_starting(
    study: Study, capsys: pytest.CaptureFixture[str], number: str, told: str
) -> None:
    """Also where first choices wait, and where workers of an earlier launch have left; they are gone once they were."""
    with Lease(study, launcher="elsewhere-1"):
        study.enqueue({}, {"x": 0.5})
    study.set_attr(SETTINGS, {"search.num_workers": number})
    with Launcher(study.roster) as own:
        own.begun()
        assert led_by(own, capsys) == told
        assert status_of(capsys)["workers_starting"]
        with Lease(study, launcher=launching_process()):
            assert led_by(own, capsys) == "with 1 worker"
        assert led_by(own, capsys) == "without workers now"
        assert not status_of(capsys)["workers_starting"]


def led_by(own: Launcher, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of the workers."""
    assert main(["status", "mine"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("led by "))
    return line.removeprefix(f"led by {own.name}, ")


def test_workers_of_reruns_are_starting_too(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of a sweep that is resumed there; what comes after them has no workers."""
    complete(study, 0.9, 0.8, 0.7, 0.6)
    study.set_attr(SETTINGS, {"search.rerun_seeds": "2"})
    with Launcher(study.roster) as own:
        own.begun()
        assert led_by(own, capsys) == "its workers are starting"
        outcome_noted(study)
        assert led_by(own, capsys) == "without workers now"


def test_the_command_that_resumes_a_sweep_finds_it(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name here, and from another working directory by its folder."""
    assert main(["status", "mine"]) == 0
    assert "(slimtune resume mine)" in capsys.readouterr().out
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    for given in (["../outputs/mine"], ["mine", "--outputs", "../outputs"]):
        assert main(["status", *given]) == 0
        said = capsys.readouterr().out.replace("\n", " ")
        (words,) = re.findall(r"\(slimtune resume (.*?)\)", said)
        assert Path(words).resolve() == tmp_path.resolve() / "outputs" / "mine"


def test_trials_that_ended_by_themselves_are_told_apart(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """They are complete, and not at their training's end; nobody pruned them."""
    with Lease(study) as lease:
        for number in range(3):
            assert study.ask(lease.worker) is not None
            if number != 1:
                study.set_trial_attr(number, ENDED_BY, "fit.patience")
            study.complete(number, 0.5)
    assert status_of(capsys)["ended_by"] == {"fit.patience": 2}
    assert main(["status", "mine"]) == 0
    assert "trials: 3 of 4 have ended (3 complete (2 ended by fit.patience))" in capsys.readouterr().out


def outcome_noted(study: Study, *, of: str = "trials/2/checkpoint-9") -> None:
    """A winner that is not the best of the search, with the stages after it, done of a checkpoint."""
    winner = Winner(2, {"x": 1}, 0.75, Path("/elsewhere/mine/trials/2/checkpoint-9"), None)
    study.set_attr(WINNER, winner.as_dict())
    test = {"scores": {"accuracy": {"value": 0.7, "low": 0.6, "high": 0.8}}}
    registered = {"name": "mine", "version": "3", "alias": "champion"}
    for name, result in (("test", test), ("registered", registered)):
        study.set_attr(name, {"key": "", "checkpoint": of, "result": result})


def test_what_a_sweep_came_to_is_told(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Its winner, which need not be the best of the search, the test scores and the registered version."""
    complete(study, 0.9, 0.8, 0.7, 0.6)
    assert status_of(capsys)["winner"] is None
    outcome_noted(study)
    won = status_of(capsys)["winner"]
    assert (won["trial"], won["validation_mean"], won["registered"]) == (2, 0.75, "models:/mine/3")
    assert won["test"] == {"accuracy": {"value": 0.7, "low": 0.6, "high": 0.8}}
    assert main(["status", "mine"]) == 0
    said = capsys.readouterr().out
    assert "best in the search: objective 0.9000, trial 0" in said
    assert "winner: objective 0.7500 (with one seed), trial 2" in said
    assert "test, 95 % intervals: accuracy 0.7000 (0.6000 to 0.8000)" in said
    assert "registered: models:/mine/3, alias champion" in said
    assert main(["compare", "mine", "--json"]) == 0
    told = {one["number"]: one for one in json.loads(capsys.readouterr().out)}
    assert (told[2]["registered"], told[2]["test"]) == ("models:/mine/3", won["test"])
    assert (told[0]["registered"], told[0]["test"], told[0]["winner"]) == (None, None, False)


def test_what_an_earlier_winner_came_to_is_not_told_of_a_later_one(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it was registered as is told as that of the sweep's earlier end, also before there is a later one."""
    outcome_noted(study, of="trials/0/checkpoint-9")
    won = status_of(capsys)["winner"]
    assert (won["trial"], won["test"], won["registered"]) == (2, {}, None)
    forget_winner(study)
    values = status_of(capsys)
    assert (values["winner"], values["registered_before"]) == (None, "models:/mine/3")
    assert main(["status", "mine"]) == 0
    assert "registered by its earlier end: models:/mine/3, alias champion\n" in capsys.readouterr().out


def test_a_sweep_whose_only_launcher_had_a_ctrl_c_is_stopping(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """One of two is not the whole sweep; and when it has gone, nobody works on it."""
    with Launcher(study.roster) as own:
        own.begun()
        study.roster.launcher = own.name
        study.roster.ask_own_to_stop()
        study.roster.launcher = None
        assert "stopping, asked by Ctrl-C" in first_line_now(capsys)
        with Launcher(study.roster):
            assert "stopping" not in first_line_now(capsys)
    assert "interrupted" in first_line_now(capsys)


# how the line begins
NOW = "sweep mine: finishing; its trials have ended, and now "


def first_line(study: Study, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a sweep that somebody works on."""
    with Launcher(study.roster) as own:
        own.begun()
        return first_line_now(capsys)


def first_line_now(capsys: pytest.CaptureFixture[str]) -> str:
    """The same of one that perhaps nobody works on."""
    assert main(["status", "mine"]) == 0
    return capsys.readouterr().out.splitlines()[0]


def test_how_many_reruns_have_ended_is_told(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Also of a sweep that nobody works on: they come next."""
    study.set_attr(SETTINGS, {"search.rerun_seeds": "2"})
    complete(study, 0.9, 0.8, 0.7, 0.6)
    assert first_line(study, capsys) == f"{NOW}the best are rerun with fresh seeds"
    reruns = Study(replace(study.spec, name="mine/reruns", n_trials=0, enqueued_only=True))
    for number in range(3):
        reruns.enqueue({NAME: f"t00 seed {number}"})
    complete(reruns, 0.5)
    assert first_line(study, capsys) == f"{NOW}the best are rerun with fresh seeds; 1 of 3 reruns has ended"
    assert main(["status", "mine"]) == 0
    said = "interrupted: nobody works on it (slimtune resume mine); its trials have ended, and next the best are rerun"
    assert said in capsys.readouterr().out
    complete(reruns, 0.5, 0.5)
    assert first_line(study, capsys) == f"{NOW}the winner is chosen"


def test_which_stage_of_the_winner_is_done_is_told(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """By what is noted of the same winner, and of a stage that is made anew by what is noted when it begins."""
    complete(study, 0.9, 0.8, 0.7, 0.6)
    outcome_noted(study, of="trials/0/checkpoint-9")
    assert first_line(study, capsys) == f"{NOW}the winner is scored on the test rows"
    noted = {"key": "", "checkpoint": "trials/2/checkpoint-9"}
    # there are no test rows
    study.set_attr("test", {**noted, "result": {}})
    assert first_line(study, capsys) == f"{NOW}the winner is exported and verified"
    study.set_attr("export", {**noted, "result": {"chosen": None}})
    assert "and no variant of the winner kept the limits of the export" in first_line(study, capsys)
    study.set_attr("export", {**noted, "result": {"chosen": "fp32"}})
    assert first_line(study, capsys) == f"{NOW}the winner is registered"
    assert status_of(capsys)["stage"] == "registered"
    study.set_attr("registered", {**noted, "result": {}})
    assert first_line(study, capsys) == f"{NOW}the pages of the sweep are written"
    study.set_attr(DOING, "export")
    assert first_line(study, capsys) == f"{NOW}the winner is exported and verified"
    study.set_attr(ENDED, 4)
    assert status_of(capsys)["stage"] is None


@pytest.mark.parametrize(
    ("settings", "stage"),
    [
        ({"export.name": "none"}, "closing"),
        ({"tracking.name": "none"}, "export"),
        ({"tracking.mode": "offline"}, "export"),
    ],
)
def test_what_is_not_asked_for_is_no_stage(
    study: Study, capsys: pytest.CaptureFixture[str], settings: dict[str, str], stage: str
) -> None:
    complete(study, 0.9, 0.8, 0.7, 0.6)
    study.set_attr(SETTINGS, settings)
    outcome_noted(study)
    study.set_attr("registered", None)
    assert status_of(capsys)["stage"] == stage
    noted = {"key": "", "checkpoint": "trials/2/checkpoint-9", "result": {"chosen": "fp32"}}
    study.set_attr("export", noted)
    assert status_of(capsys)["stage"] == "closing"


def test_a_sweep_of_several_objectives_is_told_with_all_of_them(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Pareto set is, and which one of it won; nobody is the best by one of them alone."""
    goals = Goals((Objective("accuracy", maximize=True), Objective("size_mb", maximize=False)))
    folder = Path.cwd() / "outputs" / "two"
    folder.mkdir()
    two = Study(replace(study.spec, name="two", storage=sqlite_url(folder / "study.db"), goals=goals))
    note_goals(two)
    two.set_attr(BUDGET, 3)
    with Lease(two) as lease:
        for accuracy, size in ((0.9, 90.0), (0.8, 20.0), (0.7, 50.0)):
            asked = two.ask(lease.worker)
            assert asked is not None
            two.set_trial_attr(asked.number, COSTS, {"size_mb": size})
            two.set_trial_attr(asked.number, RESULT, {"validation/accuracy": accuracy, "checkpoint": "c"})
            two.complete(asked.number, accuracy, size)
    won = Winner(1, {"x": 1}, 0.75, Path("/two/trials/1/checkpoint-9"), None, {"accuracy": 0.75, "size_mb": 20.0})
    two.set_attr(WINNER, {**won.as_dict(), "exported": "its model: of the 2 runs of trial 1, the best one"})
    assert main(["status", "two"]) == 0
    said = capsys.readouterr().out
    assert "best in the search" not in said
    assert "winner: accuracy 0.7500, size_mb 20 (means over its seeds), trial 1" in said
    lines = [line.split() for line in said.partition("Pareto set, 2 trials\n")[2].splitlines()]
    assert lines[0][0], lines[0][-2:] == ("trial", ["accuracy", "size_mb"])
    assert [line[0] for line in lines[1:3]] == ["0", "1"]
    assert lines[2][1] == "*"
    assert lines[3] == ["*", "picked"]
    assert main(["status", "two", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert [one["number"] for one in values["pareto"]] == [0, 1]
    assert values["pareto"][1]["values"] == {"accuracy": 0.8, "size_mb": 20.0}
    assert values["winner"]["values"] == {"accuracy": 0.75, "size_mb": 20.0}
    assert values["objectives"][1] == {"name": "size_mb", "direction": "minimize"}


def test_a_version_in_another_store_is_told_with_it(
    study: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its name alone, another model might be asked: the one of the store that commands look into here."""
    complete(study, 0.5, 0.75, 0.25, 0.5)
    study.set_attr(WINNER, Winner(1, {}, 0.75, Path("c"), None).as_dict())
    study.set_attr("registered", {"key": "", "result": {"name": "tickets", "version": 1, "alias": None}})
    there = sqlite_url(Path("elsewhere.db"))
    monkeypatch.setenv(URI_VARIABLE, there)
    study.set_attr(PLACE, place_of(mlflow_at(None), "mine")._asdict())
    assert status_of(capsys)["elsewhere"] is None
    monkeypatch.delenv(URI_VARIABLE)
    assert status_of(capsys)["elsewhere"] == there
    assert main(["status", "mine"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"registered: models:/tickets/1 in {there} (--tracking-uri)" in told
