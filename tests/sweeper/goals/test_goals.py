import pytest

from slimtune.sweeper.goals.goals import Constraint, Goals, Objective, read_goals

SIZE = Constraint("size_mb", None, 30.0)
ACCURACY = Constraint("accuracy", 0.8, None)
GOALS = Goals((Objective("accuracy", True), Objective("size_mb", False)), (SIZE, ACCURACY))


@pytest.mark.parametrize(
    ("constraint", "value", "beyond"),
    [
        (SIZE, 45.0, 0.5),
        (SIZE, 30.0, 0.0),
        (SIZE, 15.0, -0.5),
        (ACCURACY, 0.6, 0.25),
        (ACCURACY, 0.8, 0.0),
        (Constraint("x", 1.0, 2.0), 3.0, 0.5),
        (Constraint("x", None, 0.0), 2.0, 2.0),
    ],
)
def test_an_excess_is_a_share_of_the_bound(constraint: Constraint, value: float, beyond: float) -> None:
    """So that megabytes and points of accuracy may be added up."""
    assert constraint.excess(value) == pytest.approx(beyond)


def test_what_is_broken_is_told_with_its_bound() -> None:
    """What was not measured yet breaks nothing."""
    assert GOALS.broken({"size_mb": 45.0}) == ["size_mb is 45, above search.constraints.size_mb.max (30)"]
    assert GOALS.broken({"accuracy": 0.5}) == ["accuracy is 0.5, below search.constraints.accuracy.min (0.8)"]
    assert GOALS.excess({"size_mb": 15.0}) == {"size_mb": -0.5}


def test_names_come_once_objectives_first() -> None:
    assert GOALS.names == ["accuracy", "size_mb"]


def test_a_study_keeps_them_as_plain_values() -> None:
    assert read_goals(GOALS.described()) == GOALS


@pytest.mark.parametrize(
    ("names", "can_prune"), [(["f1_macro"], True), (["size_mb"], False), (["f1_macro", "accuracy"], False)]
)
def test_trials_are_compared_on_their_way_by_one_score(names: list[str], can_prune: bool) -> None:
    assert Goals(tuple(Objective(name, True) for name in names)).can_prune is can_prune
