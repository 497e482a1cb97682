"""Evaluations of fixed shapes, as CUDA graphs replay them, score as evaluations of whatever shape, for every task."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from slimtune.training.config.trial import TrialConfig
from slimtune.training.engine.evaluations import validation
from slimtune.training.engine.graphs import static_calls
from slimtune.training.engine.graphs.graph_plan import GraphPlan
from slimtune.training.engine.packing import gradients_alone
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.evaluation.score import Evaluation
from slimtune.training.hardware.resources import resolve
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial
from tests.training.engine.graphs.fake_graphs import WatchedGraphs
from tests.training.tasks.conftest import CASES, Case

NUM_EVALUATIONS = 3
# in float64; Llama's and T5's norms compute in float32 whatever they are given
TOLERANCE = 1e-5
WAYS = {
    "ordinary": GraphPlan(is_static=False, reason="not to be"),
    "twin": GraphPlan(is_static=True, reason="not to be"),
    "graphs": GraphPlan(is_static=True, reason=None),
}


class Seen(NamedTuple):
    """All evaluations of a trial, and the graphs that there were."""

    evaluations: list[Evaluation]
    graphs: WatchedGraphs
    num_tokens: int


def evaluated(
    config: TrialConfig, folder: Path, way: str, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype = torch.float64
) -> Seen:
    """The same steps before each evaluation, which are ordinary ones."""
    graphs = WatchedGraphs()
    monkeypatch.setattr(validation, "CudaGraphs", lambda: graphs)
    monkeypatch.setattr(static_calls, "WORTH_CALLS", 0)
    monkeypatch.setattr(static_calls, "WARM_CALLS", 1)
    resources = resolve(config.fit)
    bench = workbench_for(config, resources)
    bench.base.model.to(dtype)
    trainer = TrialTrainer(FakeTrial({}, folder), config, bench, resources)
    trainer.model.to(dtype)
    evaluations = []
    for _ in range(NUM_EVALUATIONS):
        trainer.graphs = WAYS["ordinary"]
        for part in trainer.model.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
        gradients_alone(trainer)
        trainer.advance(Reporter(NullRun))
        trainer.graphs = WAYS[way]
        evaluations.append(trainer._evaluation())
    static = trainer._validation.static
    return Seen(evaluations, graphs, static._num_calls.get("token", 0) if static is not None else 0)


def written(evaluation: Evaluation) -> Any:
    """The texts that the model wrote."""
    return evaluation.generated.columns["prediction"] if evaluation.generated is not None else None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("way", ["twin", "graphs"])
def test_a_static_evaluation_is_the_ordinary_one(
    case: Case,
    way: str,
    config_for: Callable[..., TrialConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After each step, so that nothing is kept of weights before; and texts are the same to the letter."""
    config = config_for(case, "fit.learning_rate=1e-2", "fit.warmup_share=0", "fit.eval_batch_size=4")
    expected = evaluated(config, tmp_path / "ordinary", "ordinary", monkeypatch).evaluations
    found, graphs, num_tokens = evaluated(config, tmp_path / way, way, monkeypatch)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.scores == pytest.approx(theirs.scores, rel=TOLERANCE, abs=TOLERANCE)
        assert ours.tally.columns["nats"] == pytest.approx(theirs.tally.columns["nats"], rel=TOLERANCE, abs=TOLERANCE)
        assert written(ours) == written(theirs)
    assert graphs.refusals == []
    assert (graphs.num_replays > 0) is (way == "graphs")
    # all steps of a text but the first
    assert (num_tokens > 0) is (written(found[0]) is not None)


def test_weights_that_were_cast_before_are_cast_again(
    config_for: Callable[..., TrialConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixed precision may keep weights that a prompt's pass has cast (in inference mode it does not); a token's graph
    must not hold them, since they move between evaluations.
    """
    case = next(case for case in CASES if case.name == "generation")
    config = config_for(case, "fit.precision=bf16", "fit.learning_rate=1e-2", "fit.warmup_share=0")
    seen = [evaluated(config, tmp_path / way, way, monkeypatch, torch.float32) for way in ("twin", "graphs")]
    assert seen[1].graphs.num_replays > 0
    assert [one.scores for one in seen[0].evaluations] == [one.scores for one in seen[1].evaluations]
    texts = [[written(one) for one in each.evaluations] for each in seen]
    assert texts[0] == texts[1]
    assert texts[1][1] != texts[1][2]
