from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.checkpoints.find import find_checkpoint
from slimtune.training.engine.engine import GivenTrials
from slimtune.training.trial import Completed, Failed, FailureKind, Pruned, Report, Verdict
from slimtune.training.workbench import workbench
from slimtune.training.worker.run import run_trial, run_trials
from tests.conftest import FakeTrial, validation_scores

MakeTrial = Callable[..., FakeTrial]


def test_a_trial_learns_and_completes(fake_trial: MakeTrial) -> None:
    """It reports at each epoch, and its outcome is its best evaluation."""
    trial = fake_trial("fit.epochs=6", "fit.patience=null")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed)
    assert trial.outcome is outcome
    assert list(trial.reports) == [84 * epoch for epoch in range(1, 7)]
    assert outcome.scores["objective"] == max(report["objective"] for report in trial.reports.values())
    assert outcome.scores["objective"] > 0.8
    assert trial.reports[504]["fit/progress"] == 1.0


def test_a_trial_is_a_function_of_its_config_and_seed(fake_trial: MakeTrial) -> None:
    """Bit for bit, also after another trial ran in between; another seed gives another trial."""
    runs = []
    for more in ([], ["fit.seed=1"], []):
        trial = fake_trial(*more)
        run_trial(trial)
        runs.append({step: {k: v for k, v in m.items() if "per_second" not in k} for step, m in trial.reports.items()})
    assert runs[0] == runs[2]
    assert runs[0] != runs[1]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_best_checkpoint_is_what_was_scored(fake_trial: MakeTrial, method: str) -> None:
    """Loaded again it gives the same score, and only one checkpoint is kept."""
    trial = fake_trial(f"method={method}", "fit.epochs=3", "fit.precision=fp32")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed)
    scored = validation_scores(trial.config, outcome.checkpoint)
    assert scored["accuracy"] == outcome.scores["objective"]
    assert scored["loss"] == pytest.approx(outcome.scores["validation/loss"], rel=1e-5)
    assert list(trial.lineage.folder.glob("checkpoint-*")) == [outcome.checkpoint]
    assert open_checkpoint(outcome.checkpoint).record.labels == ("minus", "plus", "zero")


def test_a_lora_checkpoint_is_a_peft_folder(fake_trial: MakeTrial) -> None:
    """transformers and peft alone load it to the same logits."""
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    trial = fake_trial()
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed)
    base = AutoModelForSequenceClassification.from_pretrained(trial.config["model"]["name_or_path"], num_labels=3)
    theirs = PeftModel.from_pretrained(base, outcome.checkpoint).eval()
    inputs = {"input_ids": torch.tensor([[101, 2204, 102]]), "attention_mask": torch.ones(1, 3, dtype=torch.int64)}
    with torch.no_grad():
        torch.testing.assert_close(
            theirs(**inputs).logits, open_checkpoint(outcome.checkpoint).model()(**inputs).logits
        )


def test_the_search_prunes(fake_trial: MakeTrial) -> None:
    trial = fake_trial("fit.epochs=4", stop_at=168)
    assert run_trial(trial) == Pruned(168, "told to")
    assert list(trial.reports) == [84, 168]


def test_a_trial_that_asks_for_parts_reports_them(fake_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch) -> None:
    """The objective on each; one that does not ask has none."""
    trial, parts = fake_trial(), list[Sequence[float]]()
    report = trial.report

    def kept(examples_seen: int, one: Report) -> Verdict:
        parts.append(one.parts)
        return report(examples_seen, one)._replace(stop=len(parts) > 1, reason="seen")

    monkeypatch.setattr(trial, "report", kept)
    monkeypatch.setattr(trial, "num_parts", 4, raising=False)
    run_trial(trial)
    assert [len(one) for one in parts] == [4] * len(parts)
    assert all(0.0 <= value <= 1.0 for one in parts for value in one)


def test_patience_ends_a_trial_early(fake_trial: MakeTrial) -> None:
    """A learning rate of almost 0 gains nothing, so two evaluations of waiting are enough."""
    trial = fake_trial("fit.learning_rate=1e-12", "fit.epochs=9", "fit.patience=2", "fit.min_improvement=0.01")
    assert isinstance(run_trial(trial), Completed)
    assert list(trial.reports) == [84, 168, 252]


@pytest.mark.parametrize(
    ("more", "kind", "message"),
    [
        (["fit.learning_rate=1e38", "fit.max_grad_norm=null", "fit.warmup_share=0"], FailureKind.diverged, "step"),
        (["fit.batch_size=-1"], FailureKind.bad_config, "fit.batch_size is -1"),
        (["data.train_file=/absent.jsonl"], FailureKind.bad_data, "no such file"),
        (["method.target_modules=[qery]"], FailureKind.bad_config, "the model lacks; it has"),
        (["model.name_or_path=/absent"], FailureKind.bad_config, "not a folder"),
    ],
)
def test_a_bad_trial_is_an_outcome_with_its_kind(
    fake_trial: MakeTrial, more: list[str], kind: FailureKind, message: str
) -> None:
    outcome = run_trial(fake_trial(*more))
    assert isinstance(outcome, Failed)
    assert outcome.kind is kind
    assert message in outcome.message


def test_out_of_memory_is_told_from_a_bug(fake_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, kind in (
        (torch.OutOfMemoryError("CUDA out of memory"), FailureKind.out_of_memory),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), FailureKind.out_of_memory),
        (RuntimeError("shapes"), FailureKind.bug),
    ):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("slimtune.training.workbench.workbench.Workbenches.get", fail)
        outcome = run_trial(fake_trial())
        assert isinstance(outcome, Failed)
        assert outcome.kind is kind


def test_the_worker_goes_on_after_a_bad_trial_and_loads_its_base_once(
    fake_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Path] = []
    original = workbench.load_base
    monkeypatch.setattr(workbench, "load_base", lambda *a, **k: (loads.append(a[0]), original(*a, **k))[1])
    trials = [fake_trial(), fake_trial("fit.batch_size=-1"), fake_trial("method.r=2")]
    run_trials(GivenTrials(trials))
    assert [type(trial.outcome) for trial in trials] == [Completed, Failed, Completed]
    assert len(loads) == 1


def test_checkpoints_of_steps_are_kept_beside_the_best_one(fake_trial: MakeTrial) -> None:
    """Each with the scores that it gives when it is loaded; the trial's folder still gives the best."""
    trial = fake_trial(
        "fit.batch_size=8", "fit.max_steps=9", "fit.eval_steps=2", "fit.save_steps=4", "fit.precision=fp32"
    )
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed)
    # 84 rows: one batch of the epoch has 4 of them
    assert [examples for examples in trial.reports if examples % 16 == 0] == [16, 32, 48, 64]
    kept = sorted((trial.lineage.folder / "steps").iterdir())
    assert [path.name for path in kept] == ["checkpoint-4", "checkpoint-8"]
    record = open_checkpoint(kept[0]).record
    assert record.examples_seen == 32
    scored = validation_scores(trial.config, kept[0])
    assert scored["loss"] == pytest.approx(record.scores["validation/loss"], rel=1e-5)
    assert find_checkpoint(str(trial.lineage.folder), None) == outcome.checkpoint
