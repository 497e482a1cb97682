from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from slimtune.training.config.fit import FitConfig
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.batching import collate
from slimtune.training.engine.optimizer import parameter_groups
from slimtune.training.engine.train_step import Stepper, StepResult
from slimtune.training.errors import Diverged
from slimtune.training.hardware.resources import resolve
from slimtune.training.methods import method_of
from slimtune.training.models.loading import trial_copy
from slimtune.training.workbench.workbench import Workbench, workbench_for

ROWS = np.arange(8)


@pytest.fixture
def config(config_of: Callable[..., dict[str, Any]]) -> TrialConfig:
    parsed: TrialConfig = parse_trial(config_of("method=full", "fit.precision=fp32")).section
    return parsed


@pytest.fixture
def bench(config: TrialConfig) -> Workbench:
    return workbench_for(config, resolve(config.fit))


def step_on_rows(stepper: Stepper, model: nn.Module, bench: Workbench) -> StepResult:
    stepper.begin(ROWS)
    while not stepper.complete:
        batch = collate(bench.splits["train"], stepper.micro_rows(), pad_id=0, device=bench.base.model.device)
        loss = bench.task.loss(bench.task.logits(model, batch), batch, label_smoothing=0.0)
        stepper.share_of(loss).backward()  # type: ignore[no-untyped-call]
    return stepper.step()


def trained(config: TrialConfig, bench: Workbench, fit: FitConfig, num_steps: int = 3) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    # evaluation mode: dropout would be drawn at other shapes
    model = trial_copy(bench.base, share_weights=False).eval()
    stepper = Stepper(model, fit, resolve(config.fit), num_train_steps=10)
    for _ in range(num_steps):
        step_on_rows(stepper, model, bench)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def with_gradient(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Without the keys' biases: softmax cancels their gradient, and AdamW makes steps of what rounding leaves of it."""
    return {name: tensor for name, tensor in state.items() if not name.endswith("key.bias")}


@pytest.mark.parametrize("micro_batch_size", [1, 3, 8])
def test_the_result_does_not_depend_on_the_micro_batch(
    config: TrialConfig, bench: Workbench, micro_batch_size: int
) -> None:
    """Accumulated gradients are those of the whole batch, even if the last micro-batch is smaller."""
    whole = trained(config, bench, config.fit)
    parts = trained(config, bench, replace(config.fit, micro_batch_size=micro_batch_size))
    for name, tensor in with_gradient(whole).items():
        torch.testing.assert_close(parts[name], tensor, atol=2e-5, rtol=2e-3)


def test_a_step_is_that_of_a_plain_pytorch_loop(config: TrialConfig, bench: Workbench) -> None:
    """Same loss, clipping, AdamW and warm-up as written by hand."""
    fit = replace(config.fit, weight_decay=0.1, max_grad_norm=0.5, warmup_share=0.2)
    ours = trained(config, bench, fit)
    torch.manual_seed(0)
    model = trial_copy(bench.base, share_weights=False).eval()
    groups = parameter_groups(model, fit, ())
    optimizer = torch.optim.AdamW(groups, lr=fit.learning_rate)
    batch = collate(bench.splits["train"], ROWS, pad_id=0, device=bench.base.model.device)
    for factor in (0.0, 0.5, 1.0):
        for group in optimizer.param_groups:
            group["lr"] = fit.learning_rate * factor
        logits = model(input_ids=batch.input_ids_BT, attention_mask=batch.inputs["attention_mask"]).logits
        cross_entropy(logits, batch.labels).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
    for name, tensor in with_gradient(model.state_dict()).items():
        torch.testing.assert_close(ours[name], tensor, atol=1e-5, rtol=1e-3)


def test_a_loss_that_is_not_finite_ends_the_trial_before_it_moves_a_weight(
    config: TrialConfig, bench: Workbench
) -> None:
    model = trial_copy(bench.base, share_weights=False)
    with torch.no_grad():
        model.get_parameter("classifier.bias")[0] = float("nan")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    stepper = Stepper(model, config.fit, resolve(config.fit), num_train_steps=10)
    with pytest.raises(Diverged, match=r"step 1: loss nan, gradient norm nan at learning rate"):
        step_on_rows(stepper, model, bench)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], equal_nan=True, atol=0, rtol=0)


def test_the_base_is_never_changed_by_a_trial(config_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Trials share the frozen tensors of one base, and leave them as they were."""
    from slimtune.training.workbench.workbench import trainable

    config = parse_trial(config_of("method.r=4", "fit.precision=fp32")).section
    bench = workbench_for(config, resolve(config.fit))
    before = {name: tensor.clone() for name, tensor in bench.base.model.state_dict().items()}
    model = trainable(method_of(config.method), bench)
    stepper = Stepper(model, config.fit, resolve(config.fit), num_train_steps=10)
    for _ in range(3):
        step_on_rows(stepper, model, bench)
    for name, tensor in bench.base.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    shared = {id(parameter) for parameter in bench.base.model.parameters()}
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    assert sum(id(parameter) in shared for parameter in frozen) >= len(shared) - len(bench.base.new_keys)
