"""The number of slots is timed once and remembered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine import slot_calibration
from slimtune.training.engine.slot_calibration import SlotDecision, decide_slots
from slimtune.training.hardware.resources import resolve
from slimtune.training.trial import Completed
from slimtune.training.workbench.workbench import Workbenches
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.engine.test_packing import ListSource

ConfigOf = Callable[..., dict[str, Any]]
AUTO = ["fit.slots=null", "fit.precision=fp32"]


@pytest.fixture
def decide(config_of: ConfigOf, tmp_path: Path) -> Callable[..., SlotDecision]:
    benches = Workbenches()

    def run(*more: str) -> SlotDecision:
        values = config_of(*AUTO, *more)
        config = parse_trial(values).section
        resources = resolve(config.fit)
        return decide_slots(FakeTrial(values, tmp_path), config, benches.get(config, resources), resources)

    return run


def test_a_given_number_is_not_timed(decide: Callable[..., SlotDecision]) -> None:
    assert decide("fit.slots=3") == (3, None)


def test_it_is_timed_once_for_a_machine_and_a_batch_size(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then read again, so that a search repeats; and nothing is drawn from the trial's generator."""
    monkeypatch.setattr(slot_calibration, "_gain", lambda *_: 1.5)
    # loads the base, which draws a head
    decide("fit.slots=1")
    state = torch.random.get_rng_state()
    assert decide() == (4, 1.5)
    assert torch.equal(torch.random.get_rng_state(), state)
    monkeypatch.setattr(slot_calibration, "_gain", lambda *_: 1.01)
    assert decide() == (4, 1.5)
    assert decide("fit.batch_size=3") == (1, 1.01)


def test_packs_of_a_tiny_model_are_really_timed(decide: Callable[..., SlotDecision]) -> None:
    """A tiny model is all overhead, so four trials in a pass are faster on any machine."""
    decision = decide("fit.batch_size=1")
    assert decision.gain is not None
    assert 0.5 < decision.gain < 10


@pytest.mark.parametrize("more", [["method=full"], ["method.dropout=0.1"], ["fit.compile=true"]])
def test_trials_that_cannot_share_a_pass_run_as_leader(decide: Callable[..., SlotDecision], more: list[str]) -> None:
    assert decide(*more) == (1, None)
    assert decide().gain is not None, "a trial of another method is timed for itself"


def test_without_memory_for_several_one_runs(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(slot_calibration, "_gain", fail)
    assert decide().slots == 1


def test_a_broken_note_is_timed_again(decide: Callable[..., SlotDecision], tmp_path: Path, caplog: Any) -> None:
    decide()
    (note,) = (tmp_path / "cache" / "slots").glob("*.json")
    note.write_text("{")
    assert decide().gain is not None
    assert "timed again" in caplog.text


def test_a_search_is_timed_once_whatever_it_samples(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials of other batch sizes after the first have drained go by the same decision."""
    timed: list[object] = []
    monkeypatch.setattr(slot_calibration, "_gain", lambda *_: (timed.append(1), 1.0)[1])
    trials = [[*AUTO, "fit.epochs=1", f"fit.batch_size={size}"] for size in (8, 16)]
    assert all(isinstance(outcome, Completed) for outcome in ListSource(config_of, tmp_path, trials).outcomes())
    assert len(timed) == 1


def test_a_trial_without_a_search_is_not_timed(config_of: ConfigOf, tmp_path: Path) -> None:
    assert isinstance(run_trial(FakeTrial(config_of(*AUTO, "fit.epochs=1"), tmp_path / "one")), Completed)
    assert not (tmp_path / "cache" / "slots").exists()


def test_trials_begin_as_many_as_the_decision_says(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for gain, at_once in ((1.5, 4), (1.0, 1)):
        monkeypatch.setattr(slot_calibration, "_gain", lambda *_, gain=gain: gain)
        cache = f"data.cache_dir={tmp_path / str(gain)}"
        source = ListSource(config_of, tmp_path / f"{gain}", [[*AUTO, cache, "fit.epochs=1"]] * 5)
        assert all(isinstance(outcome, Completed) for outcome in source.outcomes())
        assert source.most_at_once == at_once
