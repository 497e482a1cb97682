import math

from slimtune.training.engine.evaluations.early_stopping import EarlyStopping


def make(*, patience: int | None = 2, min_improvement: float = 0.0, maximize: bool = True) -> EarlyStopping:
    return EarlyStopping(patience=patience, min_improvement=min_improvement, maximize=maximize)


def test_it_stops_after_so_many_evaluations_without_gain() -> None:
    patience = make()
    assert [patience.update(score) for score in (0.5, 0.6, 0.6, 0.55)] == [True, True, False, False]
    assert patience.exhausted


def test_a_gain_starts_the_wait_anew() -> None:
    patience = make()
    for score in (0.5, 0.4, 0.6, 0.5):
        patience.update(score)
    assert not patience.exhausted
    assert patience.best == 0.6


def test_a_small_gain_keeps_the_checkpoint_but_not_the_hope() -> None:
    """The best checkpoint is the best score; min_improvement only decides about waiting on."""
    patience = make(min_improvement=0.1)
    assert [patience.update(score) for score in (0.5, 0.55, 0.58)] == [True, True, True]
    assert patience.exhausted


def test_minimizing_and_not_stopping() -> None:
    patience = make(patience=None, maximize=False)
    assert [patience.update(score) for score in (2.0, 1.0, 3.0, 4.0)] == [True, True, False, False]
    assert not patience.exhausted


def test_nan_is_never_the_best() -> None:
    patience = make()
    assert not patience.update(math.nan)
    assert patience.update(0.1)
