"""Trials of unlike batches in one pass come to a rung at different times, with the same number of examples."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.trial import Completed
from tests.training.engine.test_packing import COMMON, ListSource

ConfigOf = Callable[..., dict[str, Any]]
SIZES = (4, 16)


@pytest.fixture
def arrivals(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[tuple[int, int, int]]]:
    """Batch size, milestone and examples seen of each evaluation of two trials in one pack, in their order in time."""

    def train(*more: str) -> list[tuple[int, int, int]]:
        seen: list[tuple[int, int, int]] = []
        original = TrialTrainer.evaluate

        def evaluate(self: TrialTrainer, *given: Any) -> Any:
            milestone = self.progress.milestone
            assert milestone is not None
            seen.append((self.rows_at_once, milestone, self.examples_seen))
            return original(self, *given)

        monkeypatch.setattr(TrialTrainer, "evaluate", evaluate)
        trials = [[*COMMON, "fit.slots=2", "fit.epochs=2", f"fit.batch_size={size}", *more] for size in SIZES]
        assert all(isinstance(one, Completed) for one in ListSource(config_of, tmp_path, trials).outcomes())
        return seen

    return train


def test_a_large_batch_is_first_at_a_rung_and_has_seen_as_much(arrivals: Callable[..., Any]) -> None:
    """To the example, where rungs are epochs."""
    assert arrivals() == [(16, 84, 84), (16, 168, 168), (4, 84, 84), (4, 168, 168)]


def test_between_epochs_it_has_seen_at_most_a_batch_more(arrivals: Callable[..., Any]) -> None:
    found = arrivals("fit.eval_every=30")
    assert all(milestone <= seen < milestone + size for size, milestone, seen in found if milestone % 30 == 0)
    assert {one[1] for one in found if one[0] == 4} == {one[1] for one in found if one[0] == 16}
