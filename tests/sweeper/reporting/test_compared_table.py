"""The table of trials of several sweeps."""

import csv
import io
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from slimtune.sweeper.reporting.compared_table import as_csv, compared_table, difference_tables
from slimtune.sweeper.reporting.live_table import value_text
from slimtune.sweeper.reporting.run_record import differences
from slimtune.sweeper.reporting.trial_rows import TrialRow
from tests.sweeper.report_page.sweeps import a_trial


def shown(part: RenderableType, *, width: int = 160) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def rows(*names: str) -> list[TrialRow]:
    return [TrialRow(name, a_trial(at, params={"method.r": 8, "fit.epochs": at})) for at, name in enumerate(names)]


def test_several_sweeps_are_named_in_their_rows() -> None:
    """And the best trial of each is marked."""
    table = compared_table(rows("one", "two"), title="t", best={"one": 0, "two": 1}, numbers=(), more=())
    _, head, first, second, mark, same = shown(table).splitlines()
    assert head.split()[:4] == ["sweep", "trial", "state", "epochs"]
    assert (first.split()[:2], second.split()[:2]) == (["one", "0"], ["two", "1"])
    assert "*" in first
    assert "*" in second
    assert mark == "* the best single score of its sweep"
    assert same.strip() == "the same in all: method.r=8"


def test_the_winner_has_a_mark_of_its_own() -> None:
    """It is chosen by its mean over seeds, and need not have the best single score."""
    first, second = rows("one", "one")
    several = [first, second._replace(trial=second.trial._replace(number=1), is_winner=True)]
    lines = shown(compared_table(several, title="t", best={"one": 0}, numbers=(), more=())).splitlines()
    assert "*" in lines[2]
    assert "W" not in lines[2]
    assert "W" in lines[3]
    assert lines[4:6] == ["* the best single score", "W the winner, by its mean over seeds"]


def test_what_rows_are_sorted_by_is_shown() -> None:
    """Unless it has a column anyway."""
    table = compared_table(
        rows("one"), title="t", best={"one": 0}, numbers=(), more=("accuracy", "seconds", "fit.epochs")
    )
    assert shown(table).splitlines()[1].split() == [
        "trial",
        "state",
        "r",
        "epochs",
        "score",
        "accuracy",
        "trained",
        "time",
    ]


@pytest.mark.parametrize("width", [80, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Columns stay whole: those with no room are left out, and named."""
    params = {f"fit.parameter_{at}": 0.1234 + at for at in range(6)}
    many = [TrialRow("tone", a_trial(at, params={key: at + value for key, value in params.items()})) for at in range(3)]
    text = shown(compared_table(many, title="t", best={"tone": 0}, numbers=(), more=()), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert ("no room in this width for: " in text) is (width == 80)
    assert all(name in text.splitlines()[1] for name in ("state", "parameter_0", "score", "trained", "time"))


def test_long_names_of_sweeps_give_way_before_parameters() -> None:
    names = ("a-sweep-with-a-name-that-is-much-too-long", "another-one-of-the-same-kind")
    params = [
        {"fit.learning_rate": 0.00137 + at / 1000, "fit.batch_size": 16 + at, "method.r": 8 + at} for at in range(2)
    ]
    two = [TrialRow(name, a_trial(at, params=params[at])) for at, name in enumerate(names)]
    text = shown(compared_table(two, title="t", best=dict.fromkeys(names), numbers=(), more=()), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "0.00137" in text
    assert "0.00237" in text


def test_csv_has_every_value_of_every_trial() -> None:
    """Also those that only one of them has."""
    trials = [*rows("one"), TrialRow("two", a_trial(1, params={"model.name_or_path": 'a,"b"'}))]
    first, second = csv.DictReader(io.StringIO(as_csv(trials)))
    assert (first["sweep"], first["method.r"], first["model.name_or_path"]) == ("one", "8", "")
    assert second["model.name_or_path"] == 'a,"b"'
    assert float(second["accuracy"]) == trials[1].trial.measured["accuracy"]


def test_objectives_of_different_metrics_have_no_difference() -> None:
    """Accuracy less cost is nothing."""
    config = differences({"task.metric": "a"}, {"task.metric": "b"})
    metrics = differences({"objective": 0.5, "loss": 1.0}, {"objective": 1.5, "loss": 2.0})
    _, table = map(shown, difference_tables(("x", "y"), config, metrics))
    changes = {
        line.split()[0]: line.split()[-1] for line in table.splitlines() if line.split()[0] in ("objective", "loss")
    }
    assert changes == {"objective": "-", "loss": "+1"}


def test_what_no_trial_depends_on_is_named_alone() -> None:
    config = differences({"fit.epochs": "1", "search.n_trials": "4"}, {"fit.epochs": "2", "search.n_trials": "8"})
    table, told, _ = map(shown, difference_tables(("x", "y"), config, []))
    assert "fit.epochs" in table
    assert "search.n_trials" not in table
    assert told.strip() == "of the sweeps alone, which no trial depends on: search.n_trials"


def test_two_runs_differ_in_config_and_metrics() -> None:
    """A number is subtracted; what only one has is a dash."""
    config = differences({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"})
    metrics = differences({"accuracy": 0.5}, {"accuracy": 0.75})
    one, two = map(shown, difference_tables(("x", "y"), config, metrics))
    assert [line.split() for line in one.splitlines()[1:]] == [["key", "x", "y"], ["b", "2", "3"], ["c", "-", "4"]]
    assert two.splitlines()[2].split() == ["accuracy", "0.5000", "0.7500", "+0.25"]


def test_a_value_with_a_new_line_has_one_line() -> None:
    config = differences({"data.text_template": "{q}\n{a}"}, {"data.text_template": "{q} {a}"})
    table, _ = map(shown, difference_tables(("x", "y"), config, []))
    (line,) = (line for line in table.splitlines() if "data.text_template" in line)
    assert line.split(maxsplit=1)[1].strip() == r"'{q}\n{a}'  {q} {a}"
    assert value_text("one\ntwo") == r"'one\ntwo'"


def test_equal_runs_are_told_so() -> None:
    assert [shown(part).strip() for part in difference_tables(("x", "y"), [], [])] == [
        "config: no difference",
        "metrics: no difference",
    ]
