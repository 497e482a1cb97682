"""Every method on kinds of tasks, from the config's rows to a checkpoint that scores the same when loaded again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config.trial import parse_trial
from slimtune.training.evaluation.test_score import score_checkpoint
from slimtune.training.tasks.rows import read_splits
from slimtune.training.trial import Completed, Failed, FailureKind
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.one_batch import losses_on_one_batch
from tests.training.tasks.conftest import ANSWERS, CASES, Case

BY_NAME = {case.name: case for case in CASES}
KINDS = {
    "classification": BY_NAME["classification"],
    "extraction": BY_NAME["extraction"],
    "similarity": BY_NAME["similarity"]._replace(overrides=("task=similarity", "data.text_pair_column=other")),
    "causal": BY_NAME["generation, LoRA"],
    "encoder-decoder": BY_NAME["generation, LoRA, encoder-decoder"],
    "language modelling": Case("language", ANSWERS, ("task=language_modelling", "model.name_or_path=LLAMA")),
}
METHODS = {
    "DoRA": ("method=lora", "method.use_dora=true"),
    "PiSSA": ("method=lora", "method.init_lora_weights=pissa"),
    "QLoRA": ("method=qlora",),
    "8 bits": ("method=qlora", "model.quantization=int8"),
    "adapters": ("method=adapters", "method.reduction_factor=2"),
    "adapters over 4 bits": ("method=adapters", "method.reduction_factor=2", "model.quantization=fp4"),
    "IA3": ("method=ia3", "fit.learning_rate=5e-2"),
    "prompt": ("method=prompt_tuning", "method.num_virtual_tokens=4"),
    "prefix": ("method=prefix_tuning", "method.num_virtual_tokens=4"),
}
# virtual tokens stand in the rows themselves; others meet the kinds in turn, half of them each
ON_ALL_KINDS = ("prompt", "prefix")
PLANS = [
    (method, kind)
    for number, method in enumerate(METHODS)
    for place, kind in enumerate(KINDS)
    if method in ON_ALL_KINDS or (number + place) % 2 == 0
]


@pytest.mark.parametrize(("method", "kind"), PLANS)
def test_it_trains_and_scores_the_same_when_loaded_again(
    kind: str, method: str, values_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """8 bits compute with rounded activations, which the loaded model has not: it is within a hundredth."""
    values = values_of(KINDS[kind], *METHODS[method], "fit.epochs=1")
    trial = FakeTrial(values, tmp_path / "trial")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed), outcome
    losses = losses_on_one_batch(values, tmp_path / "one batch")
    assert losses.after < losses.before
    config = parse_trial(values).section
    rows = read_splits(config).validation
    checkpoint = open_checkpoint(outcome.checkpoint)
    _, evaluation = score_checkpoint(checkpoint, rows, name="validation")
    kept = checkpoint.record.scores["validation/loss"]
    assert evaluation.scores["loss"] == pytest.approx(kept, rel=1e-2 if method == "8 bits" else 1e-4)


@pytest.mark.parametrize(
    ("kind", "overrides", "story"),
    [
        ("causal", ("method=full", "model.quantization=nf4"), "method=full would train those weights"),
        ("causal", ("method=lora", "method.alpha=8", "method.alpha_over_r=1"), "give one of them"),
        ("causal", ("method=prompt_tuning", "method.init=text"), "a text goes with method.init=text"),
        ("causal", ("method=lora", "method.init_lora_weights=eva"), "use one of default, gaussian"),
        ("causal", ("method=lora", "method.init_lora_weights=pissa", "model.quantization=nf4"), "not quantized"),
        ("causal", ("method=lora", "method.rank_pattern={wrong:4}"), "method.rank_pattern has 'wrong'"),
        ("causal", ("method=ia3", "method.feedforward_modules=[down_proj]"), "name it in method.target_modules too"),
        ("causal", ("method=adapters", "method.reduction_factor=0.5"), "use a number of at least 1"),
    ],
)
def test_what_does_not_fit_is_a_bad_config(
    kind: str, overrides: tuple[str, ...], story: str, values_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    outcome = run_trial(FakeTrial(values_of(KINDS[kind], *overrides), tmp_path / "trial"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.bad_config
    assert story in outcome.message
