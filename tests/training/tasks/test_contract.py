"""What every task must do, whatever it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.sweeper.checks import problems_of
from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import collate
from slimtune.training.data_report.build import data_report_of
from slimtune.training.evaluation.passes import EagerPasses
from slimtune.training.evaluation.score import score_split
from slimtune.training.evaluation.test_score import score_checkpoint
from slimtune.training.hardware.resources import resolve
from slimtune.training.tasks.rows import read_splits
from slimtune.training.trial import Completed
from slimtune.training.workbench.prepared_data import prepare_data
from slimtune.training.workbench.workbench import Workbench, workbench_for
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.one_batch import losses_on_one_batch
from tests.training.tasks.conftest import Case

ValuesOf = Callable[..., dict[str, Any]]
ConfigFor = Callable[..., TrialConfig]


def bench_of(config: TrialConfig) -> Workbench:
    return workbench_for(config, resolve(config.fit))


def test_its_config_is_valid(case: Case, values_of: ValuesOf) -> None:
    assert problems_of(values_of(case)) == []


def test_a_trial_trains_is_kept_and_scores_the_same_when_loaded_again(
    case: Case, values_of: ValuesOf, config_for: ConfigFor, tmp_path: Path
) -> None:
    """From the config's rows to a checkpoint that gives the scores it was kept for."""
    trial = FakeTrial(values_of(case), tmp_path / "trial")
    outcome = run_trial(trial)
    assert isinstance(outcome, Completed), outcome
    config = config_for(case)
    rows = read_splits(config).validation
    checkpoint = open_checkpoint(outcome.checkpoint)
    task, evaluation = score_checkpoint(checkpoint, rows, name="validation")
    kept = checkpoint.record.scores
    answers = task.predictions(evaluation.tally, evaluation.generated, rows)
    assert len(answers) == (0 if case.name == "language_modelling" else len(rows))
    assert json.loads(json.dumps(answers)) == answers
    for name, value in evaluation.scores.items():
        assert kept[f"validation/{name}"] == pytest.approx(value, rel=1e-3, abs=1e-3), name
    assert kept["objective"] == kept[f"validation/{config.task.metric}"]


def test_its_loss_falls_over_a_batch(case: Case, values_of: ValuesOf, tmp_path: Path) -> None:
    losses = losses_on_one_batch(values_of(case), tmp_path / "trial")
    assert losses.after < losses.before


def test_rows_scored_in_batches_are_rows_scored_alone(case: Case, config_for: ConfigFor) -> None:
    """Padding and batch size change no score."""
    bench, config = bench_of(config_for(case)), config_for(case)
    resources = resolve(config.fit)
    split = bench.splits["validation"]
    scores = [
        score_split(
            bench.base.model, split, task=bench.task, passes=EagerPasses(resources), batch=(size, bench.tokenizer)
        ).scores
        for size in (1, 5, None)
    ]
    for other in scores[1:]:
        assert other == pytest.approx(scores[0], rel=1e-3, abs=1e-4)


def test_the_loss_of_a_batch_is_that_of_its_parts(case: Case, config_for: ConfigFor) -> None:
    """Rows weigh by what the split says, so a batch taken in parts has the same mean."""
    bench = bench_of(config_for(case))
    split = bench.splits["train"]

    def summed(rows: list[int]) -> float:
        batch = collate(split, rows, pad_id=bench.tokenizer.pad_token_id, device=bench.base.model.device)
        with torch.no_grad():
            logits = bench.task.logits(bench.base.model, batch)
            return float(bench.task.loss(logits, batch, label_smoothing=0.0).nats)

    rows = list(range(6)) if len(split) >= 6 else list(range(len(split)))
    assert summed(rows) == pytest.approx(sum(summed([row]) for row in rows), rel=1e-4)


def test_the_mean_training_loss_is_the_evaluated_loss(case: Case, config_for: ConfigFor) -> None:
    bench, config = bench_of(config_for(case)), config_for(case)
    split = bench.splits["validation"]
    batch = collate(split, range(len(split)), pad_id=bench.tokenizer.pad_token_id, device=bench.base.model.device)
    with torch.no_grad():
        loss = bench.task.loss(bench.task.logits(bench.base.model, batch), batch, label_smoothing=0.0)
    scores = score_split(
        bench.base.model, split, task=bench.task, passes=EagerPasses(resolve(config.fit)), batch=(None, bench.tokenizer)
    ).scores
    assert float(loss.nats) / split.targets.weights_N.sum() == pytest.approx(scores["loss"], rel=1e-4)


def test_the_second_time_nothing_is_tokenized(
    case: Case, config_for: ConfigFor, caplog: pytest.LogCaptureFixture
) -> None:
    """Encoded rows come from the cache and are the same."""
    caplog.set_level("INFO")
    first = prepare_data(config_for(case))
    caplog.clear()
    second = prepare_data(config_for(case))
    messages = [message for message in caplog.messages if message.startswith("encoded data")]
    assert messages
    assert not any("tokenized" in message for message in messages)
    for name, split in first.encoded.items():
        columns = second.encoded[name].encoded.columns
        assert {key: column.values_T.tolist() for key, column in columns.items()} == {
            key: column.values_T.tolist() for key, column in split.encoded.columns.items()
        }


def test_a_row_without_the_column_is_named(case: Case, config_for: ConfigFor, tmp_path: Path) -> None:
    from slimtune.training.errors import DataError

    config = config_for(case)
    path = tmp_path / "rows.jsonl"
    path.write_text(path.read_text() + json.dumps({"unrelated": 1}) + "\n")
    with pytest.raises(DataError, match=f"row {len(case.rows) + 1}: no column"):
        read_splits(config)


def test_simple_models_are_scored_before_it(case: Case, config_for: ConfigFor) -> None:
    """Each task has at least one, its scores are the task's own, and a note says what must be beaten."""
    data = prepare_data(config_for(case))
    report = data_report_of(data)
    keys = {key for measure in data.task.measures for key in measure.keys}
    assert report.baselines
    for scores in report.baselines.values():
        assert scores
        assert scores.keys() <= keys
    # a few rows are often all right by a simple model
    perfect = any(scores.get(data.config.task.metric) == 1.0 for scores in report.baselines.values())
    said = "unless promotion.beats_baseline=false" if perfect else "the model must beat it"
    assert any(note.endswith(said) for note in report.notes)
