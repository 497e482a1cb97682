import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from slimtune.training.checkpoints.best_checkpoint import BestCheckpoint
from slimtune.training.checkpoints.checkpoint import RECORD, CheckpointRecord, open_checkpoint
from slimtune.training.checkpoints.checkpoint_writer import CheckpointWriter
from slimtune.training.config.trial import parse_trial
from slimtune.training.errors import ModelError
from slimtune.training.hardware.resources import resolve
from slimtune.training.methods import Setting, method_of, peft_method
from slimtune.training.methods.full import Full
from slimtune.training.models.loading import trial_copy
from slimtune.training.trial import Completed
from slimtune.training.workbench.workbench import workbench_for
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial, method_config


@pytest.fixture
def checkpoint(fake_trial: Callable[..., FakeTrial]) -> Path:
    outcome = run_trial(fake_trial("fit.epochs=1"))
    assert isinstance(outcome, Completed)
    return outcome.checkpoint


def test_only_safetensors_are_written(checkpoint: Path) -> None:
    """Nothing that would have to be unpickled."""
    endings = {path.suffix for path in checkpoint.iterdir()}
    assert ".safetensors" in endings
    assert not endings & {".bin", ".pt", ".pth", ".pkl", ".ckpt"}


def test_what_is_written_is_the_model_as_it_was_kept(
    config_of: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training goes on while a thread writes."""
    config = parse_trial(config_of("fit.precision=fp32")).section
    bench = workbench_for(config, resolve(config.fit))
    method = method_of(config.method)
    model = method.prepare(trial_copy(bench.base, share_weights=True), Setting("SEQ_CLS", bench.base.new_keys))
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    kept = {name: parameter.detach().clone() for name, parameter in trained.items()}
    trained_on, save = threading.Event(), peft_method.save
    monkeypatch.setattr(peft_method, "save", lambda *given: (trained_on.wait(10), save(*given)))
    checkpoint = BestCheckpoint(CheckpointWriter(model, bench.tokenizer, method), tmp_path)
    record = CheckpointRecord(config={}, labels=("a", "b"), scores={}, examples_seen=8, data_fingerprint="")
    folder = checkpoint.keep(record)
    with torch.no_grad():
        for parameter in trained.values():
            parameter.add_(1.0)
    trained_on.set()
    checkpoint.wait()
    written = load_file(folder / "adapter_model.safetensors")
    assert len(written) == len(kept)
    for name, tensor in kept.items():
        torch.testing.assert_close(written[name.replace(".modules_to_save", "").replace(".default", "")], tensor)


def test_a_checkpoint_that_could_not_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by whoever waits for it, and nothing half written is left under its name."""

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Full, "save", fail)
    record = CheckpointRecord(config={}, labels=("a", "b"), scores={}, examples_seen=8, data_fingerprint="")
    writer = CheckpointWriter(torch.nn.Linear(1, 1), None, method_of(method_config("full")))
    with pytest.raises(OSError, match="no space left"):
        BestCheckpoint(writer, tmp_path).keep(record)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_checkpoint_is_read_once_and_handed_on(checkpoint: Path) -> None:
    """Config and task are those of the record that was read, whatever becomes of the file."""
    opened = open_checkpoint(checkpoint)
    (checkpoint / RECORD).unlink()
    assert opened.config.task.name == opened.record.config["task"]["name"]
    assert opened.task is opened.task
    assert opened.task.labels == opened.record.labels == ("minus", "plus", "zero")
    encoded = opened.tokenizer()(["good soup", "awful table"], return_tensors="pt", padding=True)
    assert opened.model()(**{name: encoded[name] for name in ("input_ids", "attention_mask")}).logits.shape == (2, 3)


def test_a_folder_without_a_record_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no checkpoint"):
        open_checkpoint(tmp_path)


def test_a_broken_record_is_named(checkpoint: Path) -> None:
    (checkpoint / RECORD).write_text("{")
    with pytest.raises(ModelError, match=r"slimtune\.json is broken"):
        open_checkpoint(checkpoint)


def test_a_record_of_another_version_says_what_does_not_fit(checkpoint: Path) -> None:
    record = json.loads((checkpoint / RECORD).read_text())
    del record["config"]["model"]["attention"]
    (checkpoint / RECORD).write_text(json.dumps(record))
    with pytest.raises(ModelError, match=r"model\.attention is missing"):
        open_checkpoint(checkpoint).model()


@pytest.fixture
def own_base(tiny_model: Path, tmp_path: Path) -> Path:
    """A base whose files may be changed."""
    return shutil.copytree(tiny_model, tmp_path / "base")


def train_on(base: Path) -> None:
    tensors = load_file(base / "model.safetensors")
    save_file({name: one * 1.01 for name, one in tensors.items()}, base / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("method", ["lora", "adapters"])
def test_an_adapter_is_not_put_on_other_weights_in_the_place_of_its_base(
    method: str, own_base: Path, fake_trial: Callable[..., FakeTrial]
) -> None:
    outcome = run_trial(fake_trial(f"model.name_or_path={own_base}", f"method={method}", "fit.epochs=1"))
    assert isinstance(outcome, Completed)
    opened = open_checkpoint(outcome.checkpoint)
    opened.model()
    train_on(own_base)
    with pytest.raises(ModelError, match=r"has other weights than those that .* was trained on.* bring them back"):
        opened.model()


def test_a_whole_model_needs_its_base_no_more(own_base: Path, fake_trial: Callable[..., FakeTrial]) -> None:
    outcome = run_trial(fake_trial(f"model.name_or_path={own_base}", "method=full", "fit.epochs=1"))
    assert isinstance(outcome, Completed)
    train_on(own_base)
    open_checkpoint(outcome.checkpoint).model()
