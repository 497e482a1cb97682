from collections.abc import Callable
from typing import Any

import pytest

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine import compile, trainer
from slimtune.training.engine.cadence import plan_of
from slimtune.training.engine.compile import WORTH_STEPS, is_worth_compiling
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.resources import resolve
from slimtune.training.trial import Completed
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial

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
