import pytest

from slimtune.sweeper.goals.goals import Goals, Objective, Pick
from slimtune.sweeper.goals.pareto import Losses, ObjectiveRange, anchors, pareto_front, preferred

OBJECTIVES = (Objective("accuracy", True), Objective("size_mb", False))
# accuracy and size of five trials; the last one is beaten by the second
VALUES = [(0.90, 90.0), (0.89, 40.0), (0.80, 20.0), (0.50, 10.0), (0.85, 50.0)]


def goals(pick: Pick) -> Goals:
    return Goals(OBJECTIVES, (), pick)


def losses() -> list[Losses]:
    return [goals(Pick()).losses(values) for values in VALUES]


@pytest.mark.parametrize(
    ("points", "front"),
    [
        ([(1.0, 3.0), (2.0, 2.0), (2.0, 3.0)], [0, 1]),
        ([(1.0, 1.0), (1.0, 1.0)], [0, 1]),
        ([(1.0, 1.0, 5.0), (1.0, 1.0, 4.0)], [1]),
        ([(2.0,), (1.0,)], [1]),
        ([], []),
    ],
)
def test_the_front_is_what_no_other_point_beats(points: list[Losses], front: list[int]) -> None:
    assert pareto_front(points) == front


@pytest.mark.parametrize(
    ("pick", "order"),
    [
        (Pick(), [0, 1, 2, 3, 4]),
        (Pick("knee"), [2, 1, 0, 3, 4]),
        (Pick("within", "size_mb", {"accuracy": 0.02}), [1, 0, 2, 3, 4]),
        (Pick("within", "size_mb", {"accuracy": 0.0}), [0, 1, 2, 3, 4]),
        (Pick("within", "size_mb", {"accuracy": 0.2}), [2, 1, 0, 3, 4]),
        (Pick("within", "accuracy", {"size_mb": 30.0}), [1, 2, 3, 0, 4]),
    ],
)
def test_the_rule_orders_the_front_and_then_the_rest(pick: Pick, order: list[int]) -> None:
    """Of those within the tolerance the best one; of those beyond it the nearest."""
    assert preferred(losses(), goals(pick)) == order


def test_a_knee_is_measured_by_the_spans_that_are_given() -> None:
    """A few points that are run again have not the span of all."""
    points = [(-0.9, 50.0), (-0.8, 40.0)]
    wide = [ObjectiveRange(-0.9, -0.8), ObjectiveRange(10.0, 1000.0)]
    assert preferred(points, goals(Pick("knee")), wide) == [0, 1]
    assert preferred(points, goals(Pick("knee")), [ObjectiveRange(-0.9, 0.0), ObjectiveRange(40.0, 50.0)]) == [1, 0]


def test_what_others_are_measured_by_is_known() -> None:
    """The best one of each objective that a tolerance is of."""
    assert anchors(losses(), goals(Pick("within", "size_mb", {"accuracy": 0.02}))) == [0]
    assert anchors(losses(), goals(Pick())) == []
