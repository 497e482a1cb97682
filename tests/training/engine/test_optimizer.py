"""Which weights decay, which move faster, and what moves them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from slimtune.training.config.fit import OptimizerName
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.engine.optimizer import RATIO, make_optimizer, parameter_groups, set_learning_rate
from slimtune.training.engine.slots import slot_bank
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.resources import resolve
from slimtune.training.methods import Setting, method_of
from slimtune.training.models.loading import trial_copy
from slimtune.training.tasks.loss import LossSum
from slimtune.training.trial import Completed, Failed, FailureKind
from slimtune.training.workbench.workbench import Workbench, workbench_for
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial, method_config


@pytest.fixture
def config(config_of: Callable[..., dict[str, Any]]) -> TrialConfig:
    parsed: TrialConfig = parse_trial(config_of("fit.precision=fp32")).section
    return parsed


@pytest.fixture
def bench(config: TrialConfig) -> Workbench:
    return workbench_for(config, resolve(config.fit))


def names_by_group(model: torch.nn.Module, groups: list[dict[str, Any]]) -> dict[tuple[float, float], set[str]]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {(group["weight_decay"], group[RATIO]): {names[id(one)] for one in group["params"]} for group in groups}


def test_biases_and_norms_are_spared_from_weight_decay(config: TrialConfig, bench: Workbench) -> None:
    model = trial_copy(bench.base, share_weights=False)
    groups = parameter_groups(model, replace(config.fit, weight_decay=0.1), ())
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert all(parameter.ndim == 1 for parameter in groups[1]["params"])
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_the_new_head_and_lora_b_move_by_ratios_of_their_own(config: TrialConfig, bench: Workbench) -> None:
    """The pooler, which the checkpoint has, moves as the rest."""
    setting = Setting("SEQ_CLS", bench.base.new_keys)
    model = method_of(method_config("lora")).prepare(trial_copy(bench.base, share_weights=True), setting)
    fit = replace(config.fit, weight_decay=0.1, head_lr_ratio=5.0, loraplus_lr_ratio=16.0)
    named = names_by_group(model, parameter_groups(model, fit, bench.base.new_keys))
    assert all("lora_B" in name for name in named[0.1, 16.0])
    assert all("lora_A" in name or "pooler" in name for name in named[0.1, 1.0])
    assert {name.rsplit(".", 1)[-1] for name in named[0.1, 5.0] | named[0.0, 5.0]} == {"weight", "bias"}
    assert all("classifier" in name for name in named[0.1, 5.0] | named[0.0, 5.0])
    optimizer = make_optimizer(model, fit, bench.base.new_keys)
    set_learning_rate(optimizer, 0.01)
    assert {group["lr"] / group[RATIO] for group in optimizer.param_groups} == {0.01}


@pytest.mark.parametrize("method", ["adapters", "full", "ia3"])
def test_a_head_is_found_under_every_method(method: str, config: TrialConfig, bench: Workbench) -> None:
    setting = Setting("SEQ_CLS", bench.base.new_keys)
    model = method_of(method_config(method)).prepare(trial_copy(bench.base, share_weights=False), setting)
    named = names_by_group(model, parameter_groups(model, replace(config.fit, head_lr_ratio=5.0), bench.base.new_keys))
    heads = set().union(*(names for (_, ratio), names in named.items() if ratio == 5.0))
    assert len(heads) == 2
    assert all("classifier" in name for name in heads)


def test_a_trial_learns_with_adafactor(fake_trial: Callable[..., FakeTrial]) -> None:
    trial = fake_trial("fit.optimizer=adafactor", "method=full", "fit.learning_rate=5e-2", "fit.epochs=4")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed)
    losses = [report["validation/loss"] for report in trial.reports.values()]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    "optimizer", [OptimizerName.adamw_8bit, OptimizerName.paged_adamw, OptimizerName.paged_adamw_8bit]
)
def test_those_for_a_gpu_are_refused_on_a_cpu(optimizer: OptimizerName, fake_trial: Callable[..., FakeTrial]) -> None:
    outcome = run_trial(fake_trial(f"fit.optimizer={optimizer.value}"))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.bad_config
    assert "here use adamw or adafactor" in outcome.message


@pytest.mark.parametrize(
    ("more", "story"),
    [
        (("fit.micro_batch_size=0",), "use auto or a whole number above 0"),
        (("fit.micro_batch_size=some",), "use auto or a whole number above 0"),
        (("fit.micro_batch_size=9",), "use at most fit.batch_size (8)"),
        (("fit.loraplus_lr_ratio=16", "method=ia3"), "method=ia3 has no B"),
        (("fit.gradient_checkpointing=true", "method=prefix_tuning"), "with which layers take no prefix"),
    ],
)
def test_what_cannot_be_is_told(more: tuple[str, ...], story: str, config_of: Callable[..., dict[str, Any]]) -> None:
    assert story in "; ".join(parse_trial(config_of(*more)).problems)


class SmallMemory:
    """Fails for batches of more rows than fit, as a GPU would."""

    def __init__(self, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        loss = TrialTrainer.loss

        def limited(trainer: TrialTrainer, logits: torch.Tensor, batch: Any) -> LossSum:
            self.sizes.append(len(batch))
            if len(batch) > most:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return loss(trainer, logits, batch)

        monkeypatch.setattr(TrialTrainer, "loss", limited)


def test_the_micro_batch_is_halved_until_it_fits_and_the_result_is_the_same(
    fake_trial: Callable[..., FakeTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fake_trial("fit.precision=fp32")
    assert isinstance(run_trial(whole), Completed)
    memory = SmallMemory(3, monkeypatch)
    parts = fake_trial("fit.precision=fp32")
    assert isinstance(run_trial(parts), Completed)
    too_large = [size for size in memory.sizes if size > 3]
    assert 1 <= len(too_large) <= 2
    assert max(memory.sizes[len(too_large) :]) == 2
    for milestone, metrics in whole.reports.items():
        for name in ("train/loss", "validation/loss"):
            assert parts.reports[milestone][name] == pytest.approx(metrics[name], rel=1e-4)


@pytest.mark.parametrize("more", [(), ("method=full",)], ids=["moved with others", "by its own optimizer"])
def test_memory_that_is_too_small_for_the_step_itself_ends_the_trial(
    more: tuple[str, ...], fake_trial: Callable[..., FakeTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some weights may have moved: smaller micro-batches would not mend it."""

    def step(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    monkeypatch.setattr(slot_bank, "joint_step", step)
    outcome = run_trial(fake_trial(*more))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.out_of_memory


@pytest.mark.parametrize(("more", "most"), [(("fit.micro_batch_size=4",), 3), ((), 0)])
def test_a_number_that_was_asked_for_is_kept(
    more: tuple[str, ...], most: int, fake_trial: Callable[..., FakeTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And memory for not even a row ends the trial, as out of memory."""
    SmallMemory(most, monkeypatch)
    outcome = run_trial(fake_trial(*more))
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.out_of_memory


@pytest.mark.parametrize("method", ["lora", "full", "adapters", "ia3", "qlora"])
def test_forgotten_activations_change_no_result(
    method: str, config_of: Callable[..., dict[str, Any]], tmp_path: Any
) -> None:
    """A trial that computes them again reports what one that keeps them reports, and shares no passes."""
    reports = []
    for forget in ("false", "true"):
        values = config_of(f"method={method}", f"fit.gradient_checkpointing={forget}", "fit.precision=fp32")
        trial = FakeTrial(values, tmp_path / forget)
        assert isinstance(run_trial(trial), Completed)
        reports.append(trial.reports)
    for milestone, metrics in reports[0].items():
        assert reports[1][milestone]["validation/loss"] == pytest.approx(metrics["validation/loss"], rel=1e-4)


def test_activations_are_really_forgotten(config_of: Callable[..., dict[str, Any]], tmp_path: Any) -> None:
    """Fewer tensors wait for the backward pass."""
    saved = []
    for forget in ("false", "true"):
        config = parse_trial(config_of(f"fit.gradient_checkpointing={forget}", "fit.precision=fp32")).section
        resources = resolve(config.fit)
        trainer = TrialTrainer(
            FakeTrial(config_of(), tmp_path / forget), config, workbench_for(config, resources), resources
        )
        sizes: list[int] = []

        def keep(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        batch = trainer.micro_batch()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            trainer.share_of(trainer.bench.task.logits(trainer.model, batch), batch)
        saved.append(sum(sizes))
    assert saved[1] < 0.5 * saved[0]


def test_a_family_without_it_is_told(config: TrialConfig, bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    from slimtune.training.models.activation_checkpointing import checkpoint_gradients

    monkeypatch.setattr(type(bench.base.model), "supports_gradient_checkpointing", False)
    with pytest.raises(ConfigError, match="which transformers does not support for a bert"):
        checkpoint_gradients(bench.base.model)
