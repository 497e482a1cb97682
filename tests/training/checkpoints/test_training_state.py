"""A trial whose worker was killed resumes to what it would have been."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from slimtune.training.checkpoints.training_state import FACTS, STATE_PREFIX, TENSORS, State, read_state, write_state
from slimtune.training.methods import peft_method
from slimtune.training.trial import Completed, Report, Verdict
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial, make_lineage

ConfigOf = Callable[..., dict[str, Any]]
EVERY_STEP = ("fit.save_minutes=0", "fit.precision=fp32", "fit.eval_every=0.5", "fit.epochs=3")


class KilledError(BaseException):
    """What no trial boundary catches."""


class MortalTrial(FakeTrial):
    """Its worker dies at the report with this number; its retry knows where it was."""

    def __init__(self, config: Mapping[str, Any], folder: Path, *, dies_at: int | None = None) -> None:
        super().__init__(config, folder)
        self._dies_at = dies_at

    def after(self, *earlier: Path) -> "MortalTrial":
        self.lineage = replace(make_lineage(self.lineage.folder), earlier=earlier)
        return self

    def report(self, examples_seen: int, report: Report) -> Verdict:
        verdict = super().report(examples_seen, report)
        if len(self.reports) == self._dies_at:
            raise KilledError
        return verdict


def numbers(trial: FakeTrial) -> dict[int, dict[str, float]]:
    """What was reported, without what depends on the clock."""
    return {
        step: {name: value for name, value in metrics.items() if "per_second" not in name}
        for step, metrics in trial.reports.items()
    }


def killed(values: dict[str, Any], folder: Path, *, dies_at: int = 3) -> Path:
    with pytest.raises(KilledError):
        run_trial(MortalTrial(values, folder, dies_at=dies_at))
    return folder


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("method.dropout=0.2",),
        ("method=full", "method.dropout=0.1", "fit.learning_rate=1e-3"),
        ("method=full", "fit.optimizer=adafactor"),
        ("method.init_lora_weights=pissa_niter_4",),
        ("method=adapters", "method.dropout=0.2", "fit.micro_batch_size=3"),
        ("method=prefix_tuning",),
        ("method=qlora",),
        ("fit.precision=bf16", "fit.schedule=cosine", "fit.patience=2"),
    ],
    ids=" ".join,
)
def test_it_ends_as_if_it_had_never_been_killed(
    more: tuple[str, ...], config_of: ConfigOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """To the last bit: every report, the outcome's scores, and the best checkpoint."""
    values = config_of(*EVERY_STEP, "fit.epochs=2", *more)
    unbroken = FakeTrial(values, tmp_path / "unbroken")
    wanted = run_trial(unbroken)
    assert isinstance(wanted, Completed), wanted
    folder = killed(values, tmp_path / "0")
    caplog.set_level("INFO")
    retry = MortalTrial(values, tmp_path / "1").after(folder)
    outcome = run_trial(retry)
    assert isinstance(outcome, Completed)
    assert any("resumed after" in message for message in caplog.messages)
    assert numbers(retry) == numbers(unbroken)
    compared = [name for name in wanted.scores if "per_second" not in name]
    assert {name: outcome.scores[name] for name in compared} == {name: wanted.scores[name] for name in compared}
    files = [path.name for path in wanted.checkpoint.glob("*.safetensors")]
    assert files
    for name in files:
        assert (outcome.checkpoint / name).read_bytes() == (wanted.checkpoint / name).read_bytes()


def test_it_really_went_on(config_of: ConfigOf, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And may die once more, in the folder of its retry."""
    caplog.set_level("INFO")
    values = config_of(*EVERY_STEP)
    first = killed(values, tmp_path / "0")
    with pytest.raises(KilledError):
        run_trial(MortalTrial(values, tmp_path / "1", dies_at=5).after(first))
    second = MortalTrial(values, tmp_path / "2").after(tmp_path / "1", first)
    assert isinstance(run_trial(second), Completed)
    assert sum("resumed after" in message for message in caplog.messages) == 2
    assert len(list(tmp_path.glob("2/checkpoint-*"))) <= 1


def test_a_trial_that_has_ended_leaves_no_states(config_of: ConfigOf, tmp_path: Path) -> None:
    values = config_of(*EVERY_STEP)
    first = killed(values, tmp_path / "0")
    assert 1 <= len(list(first.glob(f"{STATE_PREFIX}*"))) <= 2
    assert isinstance(run_trial(MortalTrial(values, tmp_path / "1").after(first)), Completed)
    assert not list(tmp_path.glob(f"*/{STATE_PREFIX}*"))


def test_a_state_that_is_half_written_is_skipped_with_a_word(
    config_of: ConfigOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = config_of(*EVERY_STEP)
    first = killed(values, tmp_path / "0")
    newest = max(first.glob(f"{STATE_PREFIX}*"), key=lambda path: int(path.name.removeprefix(STATE_PREFIX)))
    data = (newest / TENSORS).read_bytes()
    (newest / TENSORS).write_bytes(data[: len(data) // 2])
    retry = MortalTrial(values, tmp_path / "1").after(first)
    assert isinstance(run_trial(retry), Completed)
    assert any(f"{newest} is broken" in message for message in caplog.messages)
    unbroken = FakeTrial(values, tmp_path / "unbroken")
    run_trial(unbroken)
    assert numbers(retry) == numbers(unbroken)


@pytest.mark.parametrize(("more", "what"), [(("fit.seed=1",), "config"), (("data.validation_share=0.3",), "config")])
def test_a_state_of_another_config_is_not_gone_on_with(
    more: tuple[str, ...], what: str, config_of: ConfigOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = killed(config_of(*EVERY_STEP), tmp_path / "0")
    values = config_of(*EVERY_STEP, *more)
    retry, fresh = MortalTrial(values, tmp_path / "1").after(first), FakeTrial(values, tmp_path / "2")
    assert isinstance(run_trial(retry), Completed)
    assert any(f"is of another {what}; the trial begins anew" in message for message in caplog.messages)
    run_trial(fresh)
    assert numbers(retry) == numbers(fresh)


def test_a_best_checkpoint_that_is_gone_means_to_begin_anew(
    config_of: ConfigOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import shutil

    values = config_of(*EVERY_STEP)
    first = killed(values, tmp_path / "0")
    for path in first.glob("checkpoint-*"):
        shutil.rmtree(path)
    outcome = run_trial(MortalTrial(values, tmp_path / "1").after(first))
    assert isinstance(outcome, Completed)
    assert outcome.checkpoint.is_dir()
    assert any("is gone, it begins anew" in message for message in caplog.messages)


def test_it_may_be_killed_twice_in_its_own_folder(
    config_of: ConfigOf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The checkpoint that a state resumes from outlives the next best one."""
    values = config_of(*EVERY_STEP, "fit.save_minutes=0")
    folder = killed(values, tmp_path / "0", dies_at=2)
    caplog.set_level("INFO")
    for dies_at in (4, 5):
        with pytest.raises(KilledError):
            run_trial(MortalTrial(values, folder, dies_at=dies_at))
    last = MortalTrial(values, folder)
    assert isinstance(run_trial(last), Completed)
    assert sum("resumed after" in message for message in caplog.messages) == 3
    assert not any("begins anew" in message for message in caplog.messages)


def test_states_of_another_config_do_not_hide_the_new_ones(config_of: ConfigOf, tmp_path: Path) -> None:
    """However far they had come."""
    folder = killed(config_of(*EVERY_STEP), tmp_path / "0", dies_at=4)
    values = config_of(*EVERY_STEP, "fit.seed=1")
    killed(values, folder, dies_at=1)
    seen = {path.name for path in folder.glob(f"{STATE_PREFIX}*")}
    retry = MortalTrial(values, folder)
    assert isinstance(run_trial(retry), Completed)
    assert seen
    assert min(int(name.removeprefix(STATE_PREFIX)) for name in seen) < 60


def test_a_best_checkpoint_that_cannot_be_written_ends_the_trial(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is not taken for a state that could not."""
    from slimtune.training.trial import Failed

    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(peft_method, "save", full)
    outcome = run_trial(FakeTrial(config_of(*EVERY_STEP), tmp_path / "0"))
    assert isinstance(outcome, Failed)
    assert "no space left" in outcome.message


@pytest.mark.parametrize("bits", [8, 32])
def test_moments_of_bitsandbytes_are_saved_and_restored(bits: int, tmp_path: Path) -> None:
    """It keeps those of 8 bits a level deeper."""
    import torch

    from slimtune.training.checkpoints.training_state import optimizer_state, restore_optimizer
    from slimtune.training.methods.quantized import paged_or_8bit_adamw

    def make() -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(128, 64)
        return layer, paged_or_8bit_adamw([{"params": layer.parameters()}], lr=0.01, bits=bits, paged=False)

    def step(layer: torch.nn.Linear, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        layer(torch.ones(2, 128)).pow(2).sum().backward()
        optimizer.step()

    layer, optimizer = make()
    step(layer, optimizer)
    write_state(tmp_path, optimizer_state(optimizer), examples_seen=8)
    state = read_state([tmp_path], identity={})
    assert state is not None
    other, restored = make()
    other.load_state_dict(layer.state_dict())
    restore_optimizer(
        restored, State(state.tensors, {name: one for name, one in state.facts.items() if name != "sha256"})
    )
    for _ in range(2):
        step(layer, optimizer)
        step(other, restored)
    assert torch.equal(other.weight, layer.weight)


def test_a_full_disk_costs_the_state_and_not_the_trial(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("slimtune.training.engine.saved_trial.write_state", full)
    assert isinstance(run_trial(FakeTrial(config_of(*EVERY_STEP), tmp_path / "0")), Completed)
    assert any("its state was not saved (no space left" in message for message in caplog.messages)


def test_states_that_are_kept_are_the_last_two(tmp_path: Path) -> None:
    import torch

    for seen in (8, 16, 24):
        write_state(tmp_path, State({"a": torch.tensor(float(seen))}, {"seen": seen}), examples_seen=seen)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{STATE_PREFIX}16", f"{STATE_PREFIX}24"]
    state = read_state([tmp_path], identity={})
    assert state is not None
    assert (state.facts["seen"], float(state.tensors["a"])) == (24, 24.0)
    assert json.loads((tmp_path / f"{STATE_PREFIX}24" / FACTS).read_text())["sha256"]


def test_a_state_is_not_resumed_on_other_weights(config_of: ConfigOf, tiny_model: Path, tmp_path: Path) -> None:
    """The base was replaced in its folder: the retry begins anew, and is a trial of the new one."""
    base = shutil.copytree(tiny_model, tmp_path / "base")
    values = config_of(*EVERY_STEP, f"model.name_or_path={base}")
    first = killed(values, tmp_path / "first")
    tensors = load_file(base / "model.safetensors")
    save_file({name: one * 1.01 for name, one in tensors.items()}, base / "model.safetensors", {"format": "pt"})
    retry = MortalTrial(values, tmp_path / "retry").after(first)
    run_trial(retry)
    unbroken = MortalTrial(values, tmp_path / "unbroken")
    run_trial(unbroken)
    assert numbers(retry) == numbers(unbroken)
