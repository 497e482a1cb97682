"""Text that is written, tied embeddings, encoder-decoders: with the weights shared out over two processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.tasks.conftest import CASES, Case

BY_NAME = {case.name: case for case in CASES}
PLANS = {
    "a tiny Llama, whole": (BY_NAME["generation"], ()),
    "LoRA on a Llama": (BY_NAME["generation, LoRA"], ()),
    "DoRA on a Llama": (BY_NAME["generation, LoRA"], ("method.use_dora=true",)),
    "IA3 on a Llama": (BY_NAME["generation, LoRA"], ("method=ia3", "fit.learning_rate=5e-2")),
    "adapters on a T5": (
        BY_NAME["generation, LoRA, encoder-decoder"],
        ("method=adapters", "method.reduction_factor=2", "method.dropout=0"),
    ),
    "a tiny T5, whole": (BY_NAME["generation, encoder-decoder"], ("method.dropout=0",)),
    "language modelling": (BY_NAME["language_modelling"], ()),
    "extraction": (BY_NAME["extraction"], ()),
}


@pytest.mark.slow
@pytest.mark.usefixtures("forked_ranks")
@pytest.mark.parametrize("plan", PLANS)
def test_it_reports_what_one_process_reports(
    plan: str, values_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Losses and every other score of every evaluation."""
    case: Case
    case, more = PLANS[plan]
    reports = []
    for number, devices in enumerate([(), ("fit.devices=2", "fit.fsdp=true")]):
        values = values_of(case, *more, "fit.epochs=1", "fit.micro_batch_size=2", *devices)
        trial = FakeTrial(values, tmp_path / str(number))
        outcome = run_trial(trial)
        assert isinstance(outcome, Completed), outcome
        reports.append(trial.reports)
    assert reports[0].keys() == reports[1].keys()
    for milestone, metrics in reports[0].items():
        for name in [name for name in metrics if name.startswith("validation/")] + ["train/loss"]:
            assert reports[1][milestone][name] == pytest.approx(metrics[name], rel=1e-3, abs=1e-3), (milestone, name)
