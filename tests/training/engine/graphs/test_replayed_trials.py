"""Trials whose steps are replayed come out as trials whose steps are not: all that a step reads is copied in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine import packing as packing_module
from slimtune.training.engine import trainer as trainer_module
from slimtune.training.engine.evaluations import validation
from slimtune.training.engine.graphs import static_calls
from slimtune.training.engine.graphs.graph_plan import GraphPlan
from slimtune.training.engine.packing import gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import resolve
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.trial import Completed
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial
from tests.training.engine.graphs.fake_graphs import WatchedGraphs
from tests.training.engine.test_packing import ListSource

Run = Callable[..., tuple[list[torch.Tensor], WatchedGraphs]]
NUM_TICKS = 12
# a GPU adds up in whatever order
DTYPE, TOLERANCE = (torch.float64, 1e-6) if torch.cuda.is_available() else (torch.float32, 0.0)
REPORTER = Reporter(NullRun)
TRIALS = {
    "slots": (("fit.batch_size=4", "fit.schedule=cosine"), ("method.r=3", "fit.micro_batch_size=4")),
    "full": (("method=full", "method.dropout=0"),),
}


@pytest.fixture
def make_trainers(
    config_of: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[list[TrialTrainer], WatchedGraphs]]:
    def make(kind: str, *, replayed: bool) -> tuple[list[TrialTrainer], WatchedGraphs]:
        graphs = WatchedGraphs()
        plan = GraphPlan(is_static=True, reason=None if replayed else "the device is cpu")
        monkeypatch.setattr(trainer_module, "graph_plan", lambda *_, **__: plan)
        monkeypatch.setattr(packing_module, "CudaGraphs", lambda: graphs)
        monkeypatch.setattr(static_calls, "WORTH_CALLS", 5)
        trainers = []
        for more in TRIALS[kind]:
            values = config_of("fit.precision=fp32", "fit.epochs=9", *more)
            config = parse_trial(values).section
            resources = resolve(config.fit)
            bench = workbench_for(config, resources)
            trainers.append(TrialTrainer(FakeTrial(values, tmp_path), config, bench, resources))
            trainers[-1].model.to(DTYPE)
        return trainers, graphs

    return make


@pytest.fixture
def run(make_trainers: Callable[..., tuple[list[TrialTrainer], WatchedGraphs]]) -> Run:
    def train(kind: str, *, replayed: bool) -> tuple[list[torch.Tensor], WatchedGraphs]:
        trainers, graphs = make_trainers(kind, replayed=replayed)
        packing = packing_of(trainers) if packable(trainers[0]) is not None else None
        for _ in range(NUM_TICKS):
            if packing is not None:
                packing.gradients(trainers)
            else:
                gradients_alone(trainers[0])
            for trainer in trainers:
                trainer.advance(REPORTER)
        trained = [one for trainer in trainers for one in trainer.model.parameters() if one.requires_grad]
        return [one.detach().clone() for one in trained], graphs

    return train


@pytest.mark.parametrize("kind", TRIALS)
def test_replayed_steps_are_those_that_are_not(run: Run, kind: str) -> None:
    """To the last bit on a CPU: whether and when a step is captured does not change a trial."""
    eager, _ = run(kind, replayed=False)
    replayed, graphs = run(kind, replayed=True)
    assert graphs.refusals == []
    assert graphs.num_captures > 0
    assert graphs.num_replays > graphs.num_captures
    for ours, theirs in zip(replayed, eager, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)


def test_a_run_tells_the_graphs_of_all_banks(
    make_trainers: Callable[..., tuple[list[TrialTrainer], WatchedGraphs]],
) -> None:
    """Of the one with a mate, and of the one after it has left; the mate tells those of the first."""
    trainers, graphs = make_trainers("slots", replayed=True)
    first, mate = trainers
    packing = packing_of(trainers)
    for under_way in (trainers, [first]):
        for _ in range(NUM_TICKS):
            packing.gradients(under_way)
            for trainer in under_way:
                trainer.advance(REPORTER)
        if mate.packing is not None:
            num_together = graphs.num_captures
            packing.leave(mate)
    assert mate.graph_tags() == {"cuda_graphs": "true", "cuda_graphs_captured": str(num_together)}
    packing.leave(first)
    assert graphs.num_captures > num_together > 0
    assert first.graph_tags()["cuda_graphs_captured"] == str(graphs.num_captures)


def test_whole_trials_report_the_same(
    config_of: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three trials through two slots, so that banks come and go beneath the graphs of steps and of evaluations."""
    monkeypatch.setattr(static_calls, "WORTH_CALLS", 1)
    monkeypatch.setattr(static_calls, "WARM_CALLS", 1)
    graphs = WatchedGraphs()
    reports = []
    for replayed in (False, True):
        plan = GraphPlan(is_static=True, reason=None if replayed else "not to be")
        monkeypatch.setattr(trainer_module, "graph_plan", lambda *_, plan=plan, **__: plan)
        for module in (validation, packing_module):
            monkeypatch.setattr(module, "CudaGraphs", lambda: graphs)
        common = ("fit.precision=fp32", "fit.slots=2", "fit.patience=null", "fit.eval_batch_size=8")
        epochs = ("fit.epochs=2", "fit.epochs=4", "fit.epochs=2")
        source = ListSource(config_of, tmp_path / str(replayed), [[*common, one] for one in epochs])
        assert all(isinstance(one, Completed) for one in source.outcomes())
        reports.append([{at: one["validation/loss"] for at, one in trial.reports.items()} for trial in source.trials])
    assert graphs.refusals == []
    assert graphs.num_replays > 50
    for ours, theirs in zip(*reports, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3 if torch.cuda.is_available() else 0.0)
