"""Launches of a step: as many for eight trials as for one, and fewer than transformers with peft."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.models import MINILM, config_of, idle_trainer, workbench
from slimtune.training.engine import packing as packing_module
from slimtune.training.engine.packing import packing_of
from slimtune.training.engine.pass_grouping import PASS_SIZES
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from tests.training.engine.slots.dispatches import dispatches

# transformers with peft: 920
MOST_IN_BF16 = 600
MOST_FOR_EIGHT = 1.3
LENGTH = 32


@pytest.fixture
def make_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[TrialTrainer]]:
    """Trials of MiniLM with LoRA on all linear layers, of the given batch sizes; passes are as large as on a GPU."""
    monkeypatch.setattr(packing_module, "PASS_SIZES", {"cpu": PASS_SIZES["cuda"]})

    def make(batch_sizes: Sequence[int], *, precision: str) -> list[TrialTrainer]:
        given = ["method=lora", "method.modules_to_save=[]", "fit.epochs=1000", f"fit.precision={precision}"]
        configs = [config_of(MINILM, *given, f"fit.batch_size={size}", "fit.device=cpu") for size in batch_sizes]
        bench, resources = workbench(configs[0], length=LENGTH, num_rows=256)
        return [idle_trainer(config, bench, resources, tmp_path) for config in configs]

    return make


def count(trainers: Sequence[TrialTrainer]) -> int:
    """Of a whole step of all, the second one: the first makes what stays."""
    packing, reporter = packing_of(trainers), Reporter(NullRun)

    def step() -> None:
        assert packing.gradients(trainers) == [list(trainers)]
        for trainer in trainers:
            trainer.advance(reporter)

    step()
    return dispatches(step)


def test_one_trial_in_bf16(make_trials: Callable[..., list[TrialTrainer]]) -> None:
    assert count(make_trials([8], precision="bf16")) <= MOST_IN_BF16


@pytest.mark.parametrize(
    "batch_sizes", [[8] * 8, [32, 8, 16, 8, 8, 32, 8, 16], [8] * 7 + [5]], ids=["equal", "mixed", "a short last one"]
)
def test_eight_trials_take_hardly_more_than_one(
    make_trials: Callable[..., list[TrialTrainer]], batch_sizes: list[int]
) -> None:
    one = count(make_trials([8], precision="bf16"))
    assert count(make_trials(batch_sizes, precision="bf16")) <= MOST_FOR_EIGHT * one
