from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.evaluation.passes import EagerPasses
from slimtune.training.evaluation.score import score_split
from slimtune.training.evaluation.test_score import headline_scores
from slimtune.training.hardware.resources import resolve
from slimtune.training.tasks.classification import Classification
from slimtune.training.tasks.text_to_text import TextToText
from slimtune.training.workbench.workbench import Workbench, workbench_for

ConfigOf = Callable[..., dict[str, Any]]


@pytest.fixture
def bench(config_of: ConfigOf) -> Workbench:
    config = parse_trial(config_of("fit.precision=fp32")).section
    return workbench_for(config, resolve(config.fit))


def score(bench: Workbench, config_of: ConfigOf, batch_size: int | None) -> torch.Tensor:
    resources = resolve(parse_trial(config_of("fit.precision=fp32")).section.fit)
    batch = (batch_size, bench.tokenizer)
    split = bench.splits["validation"]
    evaluation = score_split(bench.base.model, split, task=bench.task, passes=EagerPasses(resources), batch=batch)
    assert evaluation.tally.columns["row"] == tuple(range(len(split)))
    return torch.tensor(evaluation.tally.columns["nats"])


def test_the_size_of_a_batch_changes_nothing(bench: Workbench, config_of: ConfigOf) -> None:
    by_itself = score(bench, config_of, None)
    torch.testing.assert_close(score(bench, config_of, 5), by_itself, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("metric", "first"), [("loss", "loss"), ("rougeL", "rougeL"), ("perplexity", "perplexity")])
def test_the_test_rows_are_told_of_by_what_decided(config_of: ConfigOf, metric: str, first: str) -> None:
    config = parse_trial(config_of("task=generation", f"task.metric={metric}")).section
    task: Any = SimpleNamespace(headlines=TextToText.headlines)
    names = ("loss", "perplexity", "exact_match", "bleu", "chrf", "rouge1", "rougeL")
    evaluation: Any = SimpleNamespace(scores=dict.fromkeys(names, 0.5))
    found = headline_scores(task, config, evaluation)
    assert found[0] == first
    assert found[1:] == ["exact_match", "bleu", "chrf"]


def test_a_batch_that_does_not_fit_is_taken_in_halves(
    bench: Workbench, config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to the size that fits; a row that does not fit alone is an error."""
    whole = score(bench, config_of, None)
    original, room = Classification.logits, 3

    def logits(self: Classification, model: Any, inputs: Any) -> torch.Tensor:
        if len(inputs) > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, model, inputs)

    monkeypatch.setattr(Classification, "logits", logits)
    torch.testing.assert_close(score(bench, config_of, None), whole, rtol=1e-4, atol=1e-5)
    room = 0
    with pytest.raises(torch.OutOfMemoryError):
        score(bench, config_of, None)
