"""Rows of trials: their names, their order, and conditions on them."""

import pytest

from slimtune.sweeper.reporting.row_condition import read_condition
from slimtune.sweeper.reporting.trial_rows import TrialRow, in_order_of, sort_keys_of, whole_name
from slimtune.sweeper.study import TrialState
from slimtune.training.errors import UserError
from tests.sweeper.report_page.sweeps import a_trial

PARAMS = (
    {"fit.learning_rate": 1e-3, "method.r": 8},
    {"fit.learning_rate": 1e-5, "method.r": 16},
    {"method.name": "full"},
)
ROWS = [
    TrialRow("one", a_trial(0, params=PARAMS[0], seconds=9.0)),
    TrialRow("one", a_trial(1, TrialState.pruned, params=PARAMS[1], seconds=3.0)),
    TrialRow("two", a_trial(2, TrialState.waiting, params=PARAMS[2], seconds=None, run_id=None)),
]


def kept(condition: str) -> list[int]:
    """Numbers of the trials that keep it."""
    wanted = read_condition(condition, sort_keys_of(ROWS))
    return [row.trial.number for row in ROWS if wanted.keeps(row)]


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("state=complete", [0]),
        ("state!=complete", [1, 2]),
        ("learning_rate>1e-4", [0]),
        ("fit.learning_rate <= 1e-5", [1]),
        ("r=16", [1]),
        ("r == 8.0", [0]),
        ("sweep=two", [2]),
        ("feasible=true", [0, 1, 2]),
        ("name=full", [2]),
        ("seconds>=3", [0, 1]),
        ("run_id=none", [2]),
        ("time<5", [1]),
        ("trained<0", []),
        ("accuracy>0", [0, 1]),
    ],
)
def test_rows_are_chosen_by_whatever_they_have(condition: str, numbers: list[int]) -> None:
    assert kept(condition) == numbers


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("lerning_rate>1", "did you mean 'learning_rate'?"),
        ("state=completed", "no state is called so; did you mean 'complete'?"),
        ("learning_rate>small", "'small' is no number"),
        ("learning_rate", "use a name, one of"),
        ("=3", "use a name, one of"),
    ],
)
def test_a_condition_that_cannot_be_is_told(condition: str, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        kept(condition)


def test_rows_without_the_value_come_last() -> None:
    """Whichever way the others go."""
    assert [row.trial.number for row in in_order_of(ROWS, "seconds", descending=False)] == [1, 0, 2]
    assert [row.trial.number for row in in_order_of(ROWS, "seconds", descending=True)] == [0, 1, 2]


def test_numbers_and_texts_are_sorted() -> None:
    """As an option of a group may have either under one key."""
    mixed = [TrialRow("s", a_trial(at, params={"key": value})) for at, value in enumerate(("b", 2, "a", 1.5))]
    assert [row.trial.params["key"] for row in in_order_of(mixed, "key", descending=False)] == [1.5, 2, "a", "b"]


def test_the_end_of_a_key_names_it_if_no_other_key_ends_so() -> None:
    known = ["fit.r", "method.r", "fit.epochs"]
    assert whole_name("epochs", known, option="--sort") == "fit.epochs"
    # as the table's heads say
    every = sort_keys_of(ROWS)
    assert [whole_name(name, every, option="--sort") for name in ("score", "time")] == ["objective", "seconds"]
    assert whole_name("time", [*every, "a.time"], option="--sort") == "a.time"
    with pytest.raises(UserError, match=r"is the end of fit\.r and method\.r"):
        whole_name("r", known, option="--sort")
