"""Which finalist wins by several objectives and constraints."""

from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.selection.chosen_by_goals import (
    choose_winner,
    exported_run,
    exported_told,
    gate_notes,
    no_winner,
    to_rerun,
)
from slimtune.sweeper.finalist import Finalist, Run
from slimtune.sweeper.goals.goals import Constraint, Goals, Objective, Pick
from slimtune.sweeper.study import TrialRecord, TrialState
from slimtune.training.errors import StoreError
from tests.sweeper.campaigns.selection.test_finalists import record

ACCURACY, SIZE = Objective("accuracy", True), Objective("size_mb", False)
SMALL = Pick("within", "size_mb", {"accuracy": 0.05})


def goals(*constraints: Constraint, pick: Pick = SMALL) -> Goals:
    return Goals((ACCURACY, SIZE), constraints, pick)


def finalist(number: int, size_mb: float, *accuracies: float) -> Finalist:
    runs = [
        Run(one, Path(f"{number}-{at}"), None, {"accuracy": one, "size_mb": size_mb})
        for at, one in enumerate(accuracies)
    ]
    return Finalist(number, {}, runs)


def trial(number: int, accuracy: float, size_mb: float, beyond: float = 0.0) -> TrialRecord:
    made = record(number, TrialState.complete, accuracy)
    result = {"accuracy": accuracy, "size_mb": size_mb, "checkpoint": "c"}
    return made._replace(
        params={"n": number},
        values=(accuracy, size_mb),
        excess={"size_mb": beyond} if beyond else {},
        attrs={"result": result},
    )


def test_the_rule_goes_by_means_over_seeds() -> None:
    """The small one was lucky once: by its mean it is too far from the best."""
    finalists = [finalist(0, 90.0, 0.80, 0.80), finalist(1, 20.0, 0.80, 0.60), finalist(2, 40.0, 0.78, 0.76)]
    assert choose_winner(finalists, [], goals()).number == 2
    assert choose_winner(finalists, [], goals(pick=Pick())).number == 0


def test_constraints_hold_for_means() -> None:
    finalists = [finalist(0, 90.0, 0.80, 0.80), finalist(1, 20.0, 0.80, 0.60)]
    bound = Constraint("accuracy", 0.75, None)
    assert choose_winner(finalists, [], goals(bound, pick=Pick("within", "size_mb", {"accuracy": 1.0}))).number == 0
    one_objective = Goals((ACCURACY,), (Constraint("size_mb", None, 50.0),))
    assert choose_winner(finalists, [], one_objective).number == 1


def test_finalists_that_all_break_a_constraint_are_told() -> None:
    bound = Constraint("accuracy", 0.9, None)
    with pytest.raises(StoreError, match=r"no finalist keeps the constraints \(trial 0: accuracy is 0.8, below"):
        choose_winner([finalist(0, 90.0, 0.8)], [], goals(bound))


def test_the_exported_run_keeps_the_constraints() -> None:
    """Of those the best one by all objectives, the first of equals."""
    found = finalist(0, 9.0, 0.7, 0.9, 0.9)
    assert exported_run(found, goals()).checkpoint == Path("0-1")
    assert exported_run(found, goals(Constraint("accuracy", None, 0.8))).checkpoint == Path("0-0")
    only_size = Goals((SIZE,), (Constraint("accuracy", 0.8, None),))
    assert exported_run(found, only_size).checkpoint == Path("0-1")


def test_what_a_tolerance_is_measured_by_is_rerun_too() -> None:
    trials = [trial(0, 0.9, 90.0), trial(1, 0.88, 40.0), trial(2, 0.87, 30.0), trial(3, 0.86, 20.0)]
    ranked = [trials[3], trials[2], trials[1], trials[0]]
    assert [one.number for one in to_rerun(trials, ranked, goals(), 3)] == [3, 0, 2]
    assert [one.number for one in to_rerun(trials, ranked, goals(pick=Pick()), 2)] == [3, 2]


def test_that_nothing_keeps_the_constraints_is_told_with_the_nearest() -> None:
    bound = goals(Constraint("size_mb", None, 30.0))
    trials = [trial(0, 0.9, 90.0, beyond=2.0), trial(1, 0.9, 45.0, beyond=0.5)]
    told = no_winner(trials, bound)
    assert told is not None
    assert "nearest is trial 1: size_mb is 45, above search.constraints.size_mb.max (30)" in told
    assert no_winner([*trials, trial(2, 0.1, 9.0)], bound) is None


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        ((ACCURACY,), None),
        ((Objective("f1_macro", True),), "the search goes by f1_macro; who becomes champion"),
        ((ACCURACY, SIZE), "the search goes by accuracy and size_mb; search.pick takes one trial for it; who becomes"),
    ],
)
def test_what_the_registry_goes_by_is_told_where_the_search_goes_by_more(
    objectives: tuple[Objective, ...], said: str | None
) -> None:
    notes = gate_notes(Goals(objectives), "accuracy")
    assert len(notes) == bool(said)
    assert all(note.startswith(said or "") and note.endswith("by task.metric (accuracy) alone") for note in notes)


def test_it_is_told_which_run_is_exported() -> None:
    """The table of finalists has the mean, which no run of the winner has; one of a single seed needs no word."""
    one_objective = Goals((ACCURACY,))
    found = finalist(0, 9.0, 0.7, 0.9, 0.8)
    told = exported_told(found, exported_run(found, one_objective), one_objective)
    assert told is not None
    assert told.endswith(
        "of the 3 runs of trial 0, one a seed, the one that has the best accuracy on validation, 0.9000"
    )
    assert exported_told(finalist(0, 9.0, 0.7), found.runs[0], one_objective) is None
    bound = Goals((ACCURACY,), (Constraint("size_mb", None, 50.0),))
    assert "of those that keep search.constraints" in str(exported_told(found, found.runs[0], bound))
    assert "is best by search.objectives" in str(exported_told(found, found.runs[0], goals()))
