"""The number of slots is timed once and remembered."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine import packing as packing_module
from slimtune.training.engine import slot_calibration
from slimtune.training.engine import trainer as trainer_module
from slimtune.training.engine.graphs import static_calls
from slimtune.training.engine.graphs.graph_plan import GraphPlan
from slimtune.training.engine.slot_calibration import SlotDecision, StepTimes, decide_slots
from slimtune.training.engine.slots.alone_cost import AloneCost
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.engine.trial_run import TrialRun
from slimtune.training.hardware.resources import resolve
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.trial import Completed
from slimtune.training.workbench.workbench import Workbenches
from slimtune.training.worker.run import run_trial
from tests.conftest import FakeTrial
from tests.training.engine.graphs.fake_graphs import WatchedGraphs
from tests.training.engine.test_packing import ListSource

ConfigOf = Callable[..., dict[str, Any]]


COST = AloneCost(0.5, 0.25)


def timed_as(gain: float) -> StepTimes:
    return StepTimes(gain, 1.0, COST)


def let_time(monkeypatch: pytest.MonkeyPatch, timing: Callable[..., Any]) -> None:
    """Whatever a pass could gain at most on this machine."""
    monkeypatch.setattr(slot_calibration, "_most_gain", lambda *_: math.inf)
    monkeypatch.setattr(slot_calibration, "_timing", timing)


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
    assert decide("fit.slots=3") == (3, None, None)


def test_it_is_timed_once_for_a_machine_and_a_batch_size(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then read again, so that a search repeats; and nothing is drawn from the trial's generator."""
    let_time(monkeypatch, lambda *_: timed_as(1.5))
    # loads the base, which draws a head
    decide("fit.slots=1")
    state = torch.random.get_rng_state()
    assert decide() == (4, 1.5, COST)
    assert torch.equal(torch.random.get_rng_state(), state)
    let_time(monkeypatch, lambda *_: timed_as(1.01))
    assert decide() == (4, 1.5, COST)
    assert decide("fit.batch_size=3") == (1, 1.01, COST)


def test_packs_of_a_tiny_model_are_really_timed(decide: Callable[..., SlotDecision]) -> None:
    """A tiny model is all overhead, so four trials in a pass are faster on any machine."""
    decision = decide("fit.batch_size=1")
    assert decision.gain is not None
    assert 0.5 < decision.gain < 10


@pytest.mark.parametrize("more", [["method=full"], ["method.dropout=0.1"], ["fit.compile=true"]])
def test_trials_that_cannot_share_a_pass_run_as_leader(decide: Callable[..., SlotDecision], more: list[str]) -> None:
    assert decide(*more) == (1, None, None)
    assert decide().gain is not None, "a trial of another method is timed for itself"


def test_without_memory_for_several_one_runs(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory")

    let_time(monkeypatch, fail)
    assert decide().slots == 1


def test_what_is_timed_is_whole_steps_of_mixed_batches(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass has trials of several batch sizes, and each of them steps; no state is left of it."""
    let_time(monkeypatch, slot_calibration._timing)
    seen: set[tuple[int, ...]] = set()
    original = slot_calibration._in_one_pass

    def watched(packing: Any, trainers: Any) -> None:
        before = [trainer.stepper.num_steps for trainer in trainers]
        original(packing, trainers)
        assert [trainer.stepper.num_steps for trainer in trainers] == [step + 1 for step in before]
        seen.add(tuple(trainer.rows_at_once for trainer in trainers))

    monkeypatch.setattr(slot_calibration, "_in_one_pass", watched)
    assert decide("fit.batch_size=4", "fit.save_minutes=0").alone is not None
    assert seen == {(4, 2, 8, 4)}


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
    let_time(monkeypatch, lambda *_: (timed.append(1), timed_as(1.0))[1])
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
        let_time(monkeypatch, lambda *_, gain=gain: timed_as(gain))
        cache = f"data.cache_dir={tmp_path / str(gain)}"
        source = ListSource(config_of, tmp_path / f"{gain}", [[*AUTO, cache, "fit.epochs=1"]] * 5)
        assert all(isinstance(outcome, Completed) for outcome in source.outcomes())
        assert source.most_at_once == at_once


def test_promised_and_reached_gain_stand_on_the_run(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """And in the log."""
    caplog.set_level("INFO")
    tags: dict[str, str] = {}
    let_time(monkeypatch, lambda *_: timed_as(1.5))
    original = Reporter.tags
    monkeypatch.setattr(Reporter, "tags", lambda self, given: (tags.update(given), original(self, given))[1])
    ListSource(config_of, tmp_path, [[*AUTO, "fit.epochs=1"]] * 2).outcomes()
    assert float(tags["slots_gain_reached"]) > 0
    assert "timing said 1.50" in caplog.text


def test_the_reached_gain_compares_a_batch_with_one_of_its_own_size(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passes of batches of 4 and 16 beside the same two alone, and not beside what was timed of another size."""
    runs: list[TrialRun] = []
    original = TrialRun.add_tick

    def watched(self: TrialRun, seconds: float, alone_seconds: float) -> None:
        # a clock of its own: a tick takes a second
        original(self, 1.0, alone_seconds)
        runs.append(self)

    monkeypatch.setattr(TrialRun, "add_tick", watched)
    let_time(monkeypatch, lambda *_: timed_as(1.5))
    trials = [[*AUTO, "fit.epochs=1", "fit.max_steps=3", f"fit.batch_size={size}"] for size in (4, 16)]
    ListSource(config_of, tmp_path, trials).outcomes()
    small, large = sorted(set(runs), key=lambda run: run.number)
    both = COST.seconds(4) + COST.seconds(16)
    assert small.reached_gain == pytest.approx(both)
    assert large.reached_gain == pytest.approx(both)


def test_what_becomes_a_graph_is_captured_before_it_is_timed(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All captures lie before the timed rounds, which replay them and nothing else."""
    graphs = WatchedGraphs()
    monkeypatch.setattr(trainer_module, "graph_plan", lambda *_, **__: GraphPlan(is_static=True, reason=None))
    monkeypatch.setattr(packing_module, "CudaGraphs", lambda: graphs)
    monkeypatch.setattr(static_calls, "WORTH_CALLS", 5)
    counts: list[tuple[int, int]] = []
    original = slot_calibration._round

    def watched(*given: Any) -> Any:
        try:
            return original(*given)
        finally:
            counts.append((graphs.num_captures, graphs.num_replays))

    monkeypatch.setattr(slot_calibration, "_round", watched)
    monkeypatch.setattr(slot_calibration, "ENOUGH_SECONDS", math.inf)
    monkeypatch.setattr(slot_calibration, "CLEARLY", math.inf)
    assert decide("fit.batch_size=4", "fit.epochs=20").gain is not None
    assert graphs.refusals == []
    num_warm = len(counts) - slot_calibration.ROUNDS
    assert {captures for captures, _ in counts[num_warm - 1 :]} == {graphs.num_captures}
    replays = [count for _, count in counts[num_warm - 1 :]]
    # a pass and a step of each that goes alone, a step of all together, and their passes
    assert all(later - earlier >= 2 * 4 + 2 for earlier, later in itertools.pairwise(replays))


@pytest.mark.parametrize(("alone", "rounds"), [(0.9, 2), (1.2, 6), (1.3, 6), (1.9, 2)])
def test_a_clear_gain_takes_no_further_rounds(
    decide: Callable[..., SlotDecision], alone: float, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four together in a step of four seconds of the machine's, each alone in more or less than one."""
    let_time(monkeypatch, slot_calibration._timing)
    taken: list[slot_calibration._Round] = []

    def timed(*_: Any) -> slot_calibration._Round:
        taken.append(slot_calibration._Round(4.0, (alone,) * 4))
        return taken[-1]

    monkeypatch.setattr(slot_calibration, "_round", timed)
    monkeypatch.setattr(slot_calibration, "_num_warm_rounds", lambda _: 0)
    monkeypatch.setattr(slot_calibration, "ENOUGH_SECONDS", math.inf)
    assert decide("fit.batch_size=4", "fit.epochs=20").gain == alone
    assert len(taken) == rounds


@pytest.mark.parametrize(("call_seconds", "most_gain"), [(0.0, 1.0), (4.0, 1.158), (32.0, None)])
def test_what_a_pass_can_gain_at_most_is_told_by_trials_alone(
    decide: Callable[..., SlotDecision], call_seconds: float, most_gain: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what does not grow with the tokens is shared; where that is too little, no pass of several is timed."""

    def probed(trainer: Any) -> tuple[float, float]:
        return (call_seconds + trainer.rows_at_once) / 1000, trainer.rows_at_once

    monkeypatch.setattr(slot_calibration, "_probed", probed)
    passes: list[object] = []
    monkeypatch.setattr(slot_calibration, "_timing", lambda *_: (passes.append(1), timed_as(1.5))[1])
    decision = decide("fit.batch_size=16")
    if most_gain is None:
        assert decision.slots == 4
        assert passes
    else:
        assert decision.slots == 1
        assert decision.gain == pytest.approx(most_gain, abs=0.001)
        assert not passes


def test_a_step_that_is_bound_by_arithmetic_is_not_timed_further(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_calibration, "_probed", lambda trainer: (60.0 + trainer.rows_at_once, 1.0))
    monkeypatch.delattr(slot_calibration, "_timing")
    assert decide("fit.batch_size=4").slots == 1


def test_alone_and_together_go_through_the_same_batches(
    decide: Callable[..., SlotDecision], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of like length differ from each other, so that a round of others would tell nothing."""
    let_time(monkeypatch, slot_calibration._timing)
    taken: dict[int, list[list[int]]] = {}
    original = TrialTrainer._collated

    def watched(self: TrialTrainer, device: torch.device) -> Any:
        batch = original(self, device)
        taken.setdefault(id(self), []).append(batch.input_ids_BT.flatten().tolist())
        return batch

    monkeypatch.setattr(TrialTrainer, "_collated", watched)
    decide("fit.batch_size=2")
    lone, twins = list(taken.values())[-4:], list(taken.values())[:4]
    assert lone == twins
