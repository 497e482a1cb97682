"""What a trial needs, what is free, and that nothing stays behind."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from slimtune.sweeper.sampler_config import TpeSearch
from slimtune.sweeper.space.search_space import SearchSpace
from slimtune.sweeper.study import samplers
from slimtune.training.config.fit import OptimizerName
from slimtune.training.config.trial import parse_trial
from slimtune.training.engine.engine import GivenTrials
from slimtune.training.hardware.memory import free_bytes, need_of
from slimtune.training.methods import method_of
from slimtune.training.trial import Completed, Failed, FailureKind
from slimtune.training.worker.run import run_trial, run_trials
from tests.conftest import FakeTrial, method_config
from tests.training.methods.families import Shape, make_model, setting_of

CPU = torch.device("cpu")


def fit_of(config_of: Callable[..., dict[str, Any]], *more: str) -> Any:
    return parse_trial(config_of(*more)).section.fit


def test_gradients_and_moments_are_those_of_what_is_trained(config_of: Callable[..., dict[str, Any]]) -> None:
    shape = Shape("llama", "CAUSAL_LM")
    for name, values in (("full", {}), ("lora", {"r": 4})):
        base = make_model(shape)
        model = method_of(method_config(name, **values)).prepare(base, setting_of(shape, base))
        need = need_of(model, fit_of(config_of), rows=2, tokens=10)
        trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
        assert (need.gradients, need.optimizer) == (4 * trained, 8 * trained)
        assert need.activations > 0
        forgotten = need_of(model, fit_of(config_of, "fit.gradient_checkpointing=true"), rows=2, tokens=10)
        assert forgotten.activations < need.activations / 4


def test_the_need_is_a_lower_bound(config_of: Callable[..., dict[str, Any]]) -> None:
    """What autograd keeps of a pass, and the tensors of gradients and moments, are more."""
    shape = Shape("llama", "CAUSAL_LM")
    for name in ("full", "lora", "adapters"):
        base = make_model(shape)
        model: Any = method_of(method_config(name)).prepare(base, setting_of(shape, base)).train()
        kept: dict[int, int] = {}
        own = {one.untyped_storage().data_ptr() for one in model.parameters()}

        def keep(tensor: torch.Tensor, kept: dict[int, int] = kept, own: set[int] = own) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model(input_ids=torch.full((4, 32), 5)).logits.sum().backward()
        assert need_of(model, fit_of(config_of), rows=4, tokens=32).activations < sum(kept.values())


def test_a_head_alone_keeps_no_layers(config_of: Callable[..., dict[str, Any]]) -> None:
    base = make_model(Shape("bert", "SEQ_CLS"))
    base.requires_grad_(requires_grad=False)
    base.classifier.requires_grad_(requires_grad=True)
    assert need_of(base, fit_of(config_of), rows=4, tokens=32).activations == 0


def test_a_trial_that_cannot_fit_is_refused_with_the_numbers(fake_trial: Callable[..., FakeTrial]) -> None:
    """Before its first step, as out of memory."""
    taken = psutil.Process().memory_info().rss / 1e6
    trial = fake_trial("fit.optimizer=adamw", f"fit.max_memory_mb={taken * 0.5:.0f}")
    outcome = run_trial(trial)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.out_of_memory
    assert "MB" in outcome.message
    assert "0 MB are left of fit.max_memory_mb=" in outcome.message
    assert "use method=qlora" in outcome.message
    assert not trial.reports


def test_a_limit_that_is_enough_changes_nothing(fake_trial: Callable[..., FakeTrial]) -> None:
    assert isinstance(run_trial(fake_trial("fit.max_memory_mb=1e6", "fit.epochs=1")), Completed)


def test_the_next_trial_of_the_sweep_goes_on(config_of: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """A batch that needs more than there is ends its own trial only."""
    configs = [config_of("fit.epochs=1"), config_of("fit.epochs=1", "fit.max_memory_mb=1"), config_of("fit.epochs=1")]
    trials = [FakeTrial(config, tmp_path / str(index)) for index, config in enumerate(configs)]
    run_trials(GivenTrials(trials))
    assert [type(trial.outcome) for trial in trials] == [Completed, Failed, Completed]


def test_a_container_has_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2500000\n")
    (tmp_path / "memory.stat").write_text("anon 1500000\nfile 500000\n")
    monkeypatch.setattr("slimtune.training.hardware.memory.CGROUP", tmp_path)
    assert free_bytes(CPU, most_mb=None) == 1_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(CPU, most_mb=None) > 1_000_000


def test_moments_that_are_smaller_need_less(config_of: Callable[..., dict[str, Any]]) -> None:
    base = make_model(Shape("bert", "SEQ_CLS"))
    needs = []
    for optimizer in (OptimizerName.adamw, OptimizerName.adamw_8bit, OptimizerName.adafactor):
        needs.append(need_of(base, fit_of(config_of, f"fit.optimizer={optimizer.value}"), rows=1, tokens=8).optimizer)
    assert needs == sorted(needs, reverse=True)
    assert len(set(needs)) == 3


def test_the_sampler_is_told_of_what_did_not_fit(tmp_path: Path) -> None:
    """TPE suggests less of the region whose trials were out of memory, though Optuna forgets failed trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = TpeSearch(name="tpe", n_startup_trials=4, n_ei_candidates=24, multivariate=True, group=False)

    def large(*, told: bool) -> int:
        study = optuna.create_study(direction="maximize")
        for index in range(24):
            trial = optuna.trial.create_trial(
                params={"x": index / 24},
                distributions={"x": optuna.distributions.FloatDistribution(0, 1)},
                state=optuna.trial.TrialState.FAIL if index >= 12 else optuna.trial.TrialState.COMPLETE,
                value=None if index >= 12 else index / 24,
                user_attrs={"kind": "out-of-memory" if told else "lost"} if index >= 12 else {},
            )
            study.add_trial(trial)
        points = []
        for index in range(40):
            study.sampler = samplers.sampler_of(sampler, SearchSpace(), seed=0, index=index)
            asked = study.ask()
            points.append(asked.suggest_float("x", 0, 1))
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
        return sum(point > 0.55 for point in points)

    assert large(told=True) < 0.6 * large(told=False)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full", "qlora"])
def test_memory_does_not_grow_from_trial_to_trial(
    method: str, config_of: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Resident memory after the thirtieth trial is that after the tenth, within noise; a copy of the model kept by
    each would show."""
    resident: list[float] = []

    class Watched(FakeTrial):
        def finish(self, outcome: Any) -> None:
            super().finish(outcome)
            gc.collect()
            resident.append(psutil.Process().memory_info().rss / 1e6)

    config = config_of(f"method={method}", "fit.max_steps=2")
    # what was there before is not looked at thirty times
    gc.freeze()
    run_trials(GivenTrials(Watched(config, tmp_path / str(index)) for index in range(30)))
    assert len(resident) == 30
    model_mb = sum(path.stat().st_size for path in Path(config["model"]["name_or_path"]).glob("*.safetensors")) / 1e6
    # half of what copies would take; the allocator takes some megabytes at once, on whichever trial
    assert max(resident[-5:]) - max(resident[8:13]) < 17 * model_mb / 2
