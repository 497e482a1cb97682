from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.engine.evaluations.overfitting import overfits_since
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial, write_jsonl


def reports(*losses: tuple[float, float]) -> list[tuple[int, dict[str, float]]]:
    return [(8 * (at + 1), {"train/loss": one, "validation/loss": two}) for at, (one, two) in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "since"),
    [
        (((1.0, 1.0), (0.8, 0.9), (0.6, 1.0), (0.4, 1.1)), 16),
        (((1.0, 1.0), (0.8, 0.9), (0.6, 1.0)), None),
        (((1.0, 1.0), (0.8, 0.9), (0.6, 1.0), (0.4, 0.85)), None),
        (((1.0, 1.0), (0.8, 0.9), (0.9, 1.0), (0.9, 1.1)), None),
        (((1.0, 1.0), (0.8, 0.9), (0.6, 0.901), (0.4, 0.902)), None),
        (((1.0, 1.0),), None),
        ((), None),
    ],
    ids=["twice", "once is chance", "it recovers", "both rise", "within a hundredth", "one", "none"],
)
def test_it_is_told_where_validation_loss_was_lowest(
    losses: tuple[tuple[float, float], ...], since: int | None
) -> None:
    assert overfits_since(reports(*losses)) == since


def test_a_trial_on_labels_by_chance_is_flagged_with_the_step(
    config_of: Callable[..., dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Labels that nothing tells: what is learned of them is the rows by heart."""
    import random

    rng = random.Random(0)
    words = ["red", "blue", "green", "small", "large", "round", "flat", "old", "new", "warm", "cold", "dry"]
    rows = [{"text": " ".join(rng.choices(words, k=6)), "label": rng.choice("ab")} for _ in range(160)]
    caplog.set_level("INFO")
    config = config_of(
        "method=full", "fit.epochs=12", "fit.patience=null", "fit.learning_rate=3e-3", "data.drop_leaks=false"
    )
    config["data"]["train_file"] = str(write_jsonl(tmp_path / "chance.jsonl", rows))
    trial = FakeTrial(config, tmp_path / "trial")
    assert isinstance(run_trial(trial), Completed)
    told = [message for message in caplog.messages if "overfits since" in message]
    assert len(told) == 1
    lowest = min(trial.reports, key=lambda step: trial.reports[step]["validation/loss"])
    assert f"since {lowest} examples" in told[0] or lowest > int(told[0].split()[-2])
