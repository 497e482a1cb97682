from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine import compile, packing, trainer
from slimtune.training.engine.cadence import plan_of
from slimtune.training.engine.compile import WORTH_STEPS, is_worth_compiling
from slimtune.training.engine.evaluations import validation
from slimtune.training.engine.graphs import static_calls
from slimtune.training.engine.graphs.graph_plan import GraphPlan
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.resources import resolve
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.engine.graphs.fake_graphs import WatchedGraphs

ConfigOf = Callable[..., dict[str, Any]]


@pytest.fixture
def decide(config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    def run(*more: str, compiler: str | None = "/usr/bin/c++") -> bool:
        monkeypatch.setattr(compile.shutil, "which", lambda _: compiler)
        fit = parse_trial(config_of(*more)).section.fit
        return is_worth_compiling(fit, plan_of(fit, 8), resolve(fit))

    return run


def test_long_trials_are_compiled_where_there_is_a_compiler(decide: Callable[..., bool]) -> None:
    long = f"fit.epochs={WORTH_STEPS}"
    assert decide(long)
    assert not decide(long, compiler=None)
    assert not decide(f"fit.epochs={WORTH_STEPS - 1}")
    assert not decide(long, "fit.compile=false")
    assert not decide(long, "fit.slots=2"), "shared passes are not compiled"
    assert decide("fit.compile=true")


def test_compiled_and_shared_passes_exclude_each_other(config_of: ConfigOf) -> None:
    problems = parse_trial(config_of("fit.compile=true", "fit.slots=4")).problems
    assert problems == ["fit.compile is true and fit.slots is 4; shared passes are not compiled: drop one"]


def test_what_was_asked_for_and_cannot_be_is_an_error(decide: Callable[..., bool]) -> None:
    with pytest.raises(ConfigError, match=r"fit\.compile is true, but this machine has no C\+\+ compiler"):
        decide("fit.compile=true", compiler=None)


# torch's own tracing warns
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_compiled_trial_learns_what_it_learns_otherwise(
    fake_trial: Callable[..., FakeTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced as for inductor, whose minutes of C++ are spared; it is evaluated as it was written."""
    compile_training = compile.compile_training
    monkeypatch.setattr(trainer, "compile_training", lambda model: compile_training(model, "aot_eager"))
    reports = []
    for choice in ("false", "true"):
        trial = fake_trial(f"fit.compile={choice}", "fit.precision=fp32", "fit.max_steps=1")
        assert isinstance(run_trial(trial), Completed)
        reports.append([report["validation/loss"] for report in trial.reports.values()])
    assert reports[1] == pytest.approx(reports[0], rel=1e-3)


def tiny_llama() -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=48, use_cache=False, **sizes)).train()


class Counting:
    """A backend that counts what it is given to compile, and runs it as it is."""

    num_graphs = 0

    def __call__(self, graph: Any, _: Any) -> Any:
        self.num_graphs += 1
        return graph.forward


def loss_of(model: Any, length: int) -> torch.Tensor:
    ids_BT = torch.arange(2 * length).view(2, length) % 48
    loss: torch.Tensor = model(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT)).logits.square().mean()
    return loss


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_layers_that_are_alike_are_compiled_once() -> None:
    """Four layers take no more than the first of them, also at the next length."""
    torch.compiler.reset()
    wanted, model, backend = [], tiny_llama(), Counting()
    for length in (5, 9, 7):
        wanted.append(loss_of(model, length))
    compile.compile_training(model, backend)
    found, counts = [], []
    for length in (5, 9, 7):
        found.append(loss_of(model, length))
        counts.append(backend.num_graphs)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    assert counts[-1] == counts[0] < len(model.model.layers)
    with compile.as_written(model):
        loss_of(model, 6)
    assert backend.num_graphs == counts[-1]


def test_a_model_without_a_list_of_layers_is_compiled_whole() -> None:
    """There is nothing that repeats."""

    class Doubled(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + x

    backend, model = Counting(), Doubled()
    compile.compile_training(model, backend)
    model(torch.ones(1, 2))
    assert backend.num_graphs == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_compiled_layers_are_captured_and_replayed(
    fake_trial: Callable[..., FakeTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the fake, which records what runs below the compiled layers; on a GPU it was not run yet."""
    compile_training = compile.compile_training
    monkeypatch.setattr(trainer, "compile_training", lambda model: compile_training(model, "aot_eager"))
    monkeypatch.setattr(static_calls, "WORTH_CALLS", 0)
    monkeypatch.setattr(static_calls, "WARM_CALLS", 1)
    graphs, reports = WatchedGraphs(), []
    monkeypatch.setattr(packing, "CudaGraphs", lambda: graphs)
    monkeypatch.setattr(validation, "CudaGraphs", lambda: None)
    for replayed in (False, True):
        plan = GraphPlan(is_static=True, reason=None if replayed else "not to be")
        monkeypatch.setattr(trainer, "graph_plan", lambda *_, plan=plan, **__: plan)
        trial = fake_trial(f"fit.compile={str(replayed).lower()}", "fit.precision=fp32", "fit.max_steps=6")
        assert isinstance(run_trial(trial), Completed)
        reports.append([report["validation/loss"] for report in trial.reports.values()])
    assert graphs.refusals == []
    assert graphs.num_replays > graphs.num_captures > 0
    assert reports[1] == pytest.approx(reports[0], rel=1e-3)
