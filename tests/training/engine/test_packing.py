"""Trials that share passes over one base come out as they would alone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, BertModel

from slimtune.training.config.trial import parse_trial
from slimtune.training.engine import engine
from slimtune.training.engine.packing import Packing, gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.engine.trial_run import TrialRun
from slimtune.training.errors import Diverged
from slimtune.training.hardware.resources import resolve
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.trial import Completed, Failed, FailureKind, Outcome, Pruned
from slimtune.training.workbench.workbench import workbench_for
from slimtune.training.worker.run import run_trials
from tests.conftest import FakeTrial
from tests.training.methods.test_lora import save_base

ConfigOf = Callable[..., dict[str, Any]]

# ranks, batch sizes, learning rates, targets and whole modules of their own; one accumulates over micro-batches
TRIALS = (
    ["method.r=2", "fit.batch_size=4", "fit.learning_rate=3e-3", "method.target_modules=[query,value]"],
    ["method.r=8", "fit.batch_size=7", "fit.learning_rate=1e-3", "fit.schedule=cosine", "method.modules_to_save=[]"],
    ["method.r=5", "fit.batch_size=6", "fit.micro_batch_size=4", "fit.weight_decay=0.1", "fit.max_grad_norm=0.1"],
)


@pytest.fixture
def make_trainers(config_of: ConfigOf, tmp_path: Path) -> Callable[..., list[TrialTrainer]]:
    def make(dtype: torch.dtype, *given: str) -> list[TrialTrainer]:
        trainers = []
        for number, more in enumerate(TRIALS):
            values = config_of("fit.precision=fp32", "fit.epochs=3", *more, *given)
            config = parse_trial(values).section
            resources = resolve(config.fit)
            trainer = TrialTrainer(
                FakeTrial(values, tmp_path / str(number)), config, workbench_for(config, resources), resources
            )
            trainer.model.to(dtype)
            trainers.append(trainer)
        return trainers

    return make


def state_of(trainers: Sequence[TrialTrainer]) -> list[torch.Tensor]:
    return [
        parameter.detach().clone()
        for trainer in trainers
        for parameter in trainer.model.parameters()
        if parameter.requires_grad
    ]


TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-3}
# norms, angles and the softmax of a Llama compute in float32 whatever its dtype, and how a sum is rounded there follows
# the shape on some processors: packed and alone may differ by float32's own precision, where a fault is a thousandth
LLAMA_FLOAT64 = torch.finfo(torch.float32).eps


@pytest.mark.parametrize(
    ("family", "dtype"),
    # exactly, of every family; and in the precision that is used
    [
        *((family, torch.float64) for family in ("bert", "roberta", "distilbert", "llama")),
        ("bert", torch.float32),
        ("llama", torch.float32),
    ],
)
def test_packed_equals_alone(
    make_trainers: Callable[..., list[TrialTrainer]], tmp_path: Path, tiny_model: Path, family: str, dtype: torch.dtype
) -> None:
    """Same weights after six passes, among them several optimizer steps of each trial."""
    given = ["method.target_modules=[all-linear]"] if family != "bert" else []
    if family != "bert":
        given.append(f"model.name_or_path={save_base(family, tmp_path / 'base', tiny_model)}")
    reporter = Reporter(NullRun)
    packed, alone = make_trainers(dtype, *given), make_trainers(dtype, *given)
    before = state_of(packed)
    packing = packing_of(packed)
    for _ in range(6):
        assert packing.gradients(packed) == [packed]
        for trainer in packed:
            trainer.advance(reporter)
        for trainer in alone:
            gradients_alone(trainer)
            trainer.advance(reporter)
    tolerance = LLAMA_FLOAT64 if (family, dtype) == ("llama", torch.float64) else TOLERANCES[dtype]
    for ours, theirs in zip(state_of(packed), state_of(alone), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)
    assert not any(torch.equal(now, then) for now, then in zip(state_of(packed), before, strict=True))


def test_every_trial_brings_its_own_batch(config_of: ConfigOf, tmp_path: Path) -> None:
    """A batch of 16 rows beside one of 8 goes through one pass, to the result of each alone."""
    trainers = {}
    for kind in ("packed", "alone"):
        for size in (8, 16):
            values = config_of("fit.precision=fp32", f"fit.batch_size={size}")
            config = parse_trial(values).section
            resources = resolve(config.fit)
            trial = FakeTrial(values, tmp_path / f"{kind}-{size}")
            trainer = TrialTrainer(trial, config, workbench_for(config, resources), resources)
            trainer.model.to(torch.float64)
            trainers[kind, size] = trainer
    reporter = Reporter(NullRun)
    packed = [trainers["packed", 8], trainers["packed", 16]]
    packing = packing_of(packed)
    for _ in range(4):
        assert packing.gradients(packed) == [packed]
        for trainer in packed:
            trainer.advance(reporter)
    for size in (8, 16):
        alone = trainers["alone", size]
        for _ in range(4):
            gradients_alone(alone)
            alone.advance(reporter)
        assert trainers["packed", size].examples_seen == alone.examples_seen
        for ours, theirs in zip(state_of([trainers["packed", size]]), state_of([alone]), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_a_trial_that_is_not_finite_does_not_reach_the_others(
    make_trainers: Callable[..., list[TrialTrainer]], tmp_path: Path
) -> None:
    """The others' gradients are those without it, and it is told before it steps."""
    trainers, alone = make_trainers(torch.float64), make_trainers(torch.float64)
    with torch.no_grad():
        next(p for name, p in trainers[1].model.named_parameters() if "lora_B" in name).fill_(torch.nan)
    assert packing_of(trainers).gradients(trainers) == [trainers]
    for trainer, other in ((trainers[0], alone[0]), (trainers[2], alone[2])):
        gradients_alone(other)
        for ours, theirs in zip(trainer.model.parameters(), other.model.parameters(), strict=True):
            if theirs.requires_grad:
                torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-10)
    with pytest.raises(Diverged, match="loss nan"):
        trainers[1].advance(Reporter(NullRun))


@pytest.mark.parametrize(
    "more",
    [
        ["method=full"],
        ["method.dropout=0.1"],
        ["method.init_lora_weights=pissa"],
        ["method.use_dora=true"],
        ["method=ia3"],
        ["method=adapters"],
        ["fit.gradient_checkpointing=true"],
        ["model.quantization=int8"],
    ],
    ids=" ".join,
)
def test_what_cannot_share_a_pass_is_known(config_of: ConfigOf, tmp_path: Path, more: list[str]) -> None:
    values = config_of("fit.precision=fp32", *more)
    config = parse_trial(values).section
    resources = resolve(config.fit)
    trainer = TrialTrainer(FakeTrial(values, tmp_path), config, workbench_for(config, resources), resources)
    assert packable(trainer) is None


class ListSource:
    """Trials of the given overrides; counts how many were under way at once."""

    num_workers = 1

    def __init__(self, config_of: ConfigOf, folder: Path, trials: Sequence[Sequence[str]]) -> None:
        self.trials = [FakeTrial(config_of(*more), folder / str(number)) for number, more in enumerate(trials)]
        for number, trial in enumerate(self.trials):
            trial.number = number
        self._next = iter(self.trials)
        self.most_at_once = 0

    def next(self) -> FakeTrial | None:
        trial = next(self._next, None)
        given = self.trials[: trial.number + 1] if trial else []
        self.most_at_once = max(self.most_at_once, sum(other.outcome is None for other in given))
        return trial

    def outcomes(self) -> list[Outcome | None]:
        run_trials(self)
        return [trial.outcome for trial in self.trials]


COMMON = ["fit.precision=fp32", "fit.epochs=1"]


def test_slots_are_refilled_and_each_trial_ends_as_it_would_alone(config_of: ConfigOf, tmp_path: Path) -> None:
    """Four trials through three slots: same evaluations at the same points, and a trial may be pruned among them."""
    trials = [[*COMMON, "fit.epochs=2", *more] for more in (*TRIALS, ["method.r=3"])]
    sources = []
    for slots in (1, 3):
        wanted = [[*more, f"fit.slots={slots}"] for more in trials]
        sources.append(ListSource(config_of, tmp_path / str(slots), wanted))
        sources[-1].trials[0].stop_at = 84
        outcomes = sources[-1].outcomes()
        assert [type(outcome) for outcome in outcomes] == [Pruned, Completed, Completed, Completed]
        assert sources[-1].most_at_once == slots
    for alone, packed in zip(sources[0].trials, sources[1].trials, strict=True):
        assert list(alone.reports) == list(packed.reports)
        for step, report in alone.reports.items():
            assert packed.reports[step]["validation/loss"] == pytest.approx(report["validation/loss"], rel=1e-3)


def test_trials_that_cannot_ride_along_wait_for_their_turn(config_of: ConfigOf, tmp_path: Path) -> None:
    """All methods and a bad config, in one worker with slots."""
    slots = [*COMMON, "fit.slots=4"]
    trials = [slots, [*slots, "method=full"], [*slots, "fit.batch_size=-1"], slots, [*slots, "method.dropout=0.1"]]
    source = ListSource(config_of, tmp_path, trials)
    outcomes = source.outcomes()
    assert [type(outcome) for outcome in outcomes] == [Completed, Completed, Failed, Completed, Completed]


def test_the_base_of_a_pack_is_that_of_its_trials(config_of: ConfigOf, tmp_path: Path, tiny_model: Path) -> None:
    """Another model after the first has drained: its trials come out as they would alone."""
    other = tmp_path / "other"
    model = BertModel.from_pretrained(tiny_model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.5)
    model.save_pretrained(other)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(other)
    results = []
    for slots in (1, 2):
        first = [*COMMON, f"fit.slots={slots}"]
        second = [*first, f"model.name_or_path={other}"]
        source = ListSource(config_of, tmp_path / str(slots), [first, first, second, [*second, "method.r=3"]])
        assert all(isinstance(outcome, Completed) for outcome in source.outcomes())
        results.append([trial.reports[84]["validation/loss"] for trial in source.trials])
    assert results[0] == pytest.approx(results[1], rel=1e-3)
    assert results[0][0] != pytest.approx(results[0][2], rel=1e-2)


def test_a_trial_without_memory_for_its_model_waits_for_the_others(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made when one of them has ended; alone it would fail."""
    tries: list[int] = []
    original = TrialRun.make_trainer

    def make_trainer(self: TrialRun, *args: Any) -> None:
        tries.append(self.number)
        if self.number == 1 and tries.count(1) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        original(self, *args)

    monkeypatch.setattr(TrialRun, "make_trainer", make_trainer)
    outcomes = ListSource(config_of, tmp_path, [[*COMMON, "fit.slots=3"]] * 3).outcomes()
    assert all(isinstance(outcome, Completed) for outcome in outcomes)
    assert tries == [0, 1, 1, 2]


def test_slots_fill_again_after_a_faulty_pass(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was there runs alone; the trials after them share passes again."""
    sizes: list[int] = []
    original = Packing.gradients

    def gradients(self: Packing, trainers: Sequence[TrialTrainer]) -> object:
        sizes.append(len(trainers))
        if len(sizes) == 3:
            raise RuntimeError("some fault")
        return original(self, trainers)

    monkeypatch.setattr(Packing, "gradients", gradients)
    outcomes = ListSource(config_of, tmp_path, [[*COMMON, "fit.slots=2"]] * 4).outcomes()
    assert all(isinstance(outcome, Completed) for outcome in outcomes)
    assert len(sizes) > 3


def test_a_diverged_trial_leaves_the_pack(config_of: ConfigOf, tmp_path: Path) -> None:
    slots = [*COMMON, "fit.slots=3"]
    wild = [*slots, "fit.learning_rate=1e38", "fit.max_grad_norm=null", "fit.warmup_share=0"]
    outcomes = ListSource(config_of, tmp_path, [slots, wild, slots]).outcomes()
    assert isinstance(outcomes[1], Failed)
    assert outcomes[1].kind is FailureKind.diverged
    assert "Diverged: step" in outcomes[1].traceback
    assert [type(outcome) for outcome in outcomes] == [Completed, Failed, Completed]


@pytest.mark.parametrize(
    ("error", "most_after"), [(torch.OutOfMemoryError("CUDA out of memory"), 2), (RuntimeError("some fault"), 1)]
)
def test_out_of_memory_shrinks_the_pack_and_not_the_trial(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, most_after: int
) -> None:
    """A pass that fails is taken again with fewer trials in it, to the same result."""
    trials = [[*COMMON, *more, "fit.slots=3"] for more in TRIALS]
    whole = ListSource(config_of, tmp_path / "whole", trials)
    whole.outcomes()
    sizes: list[int] = []
    original = Packing.gradients

    def gradients(self: Packing, trainers: Sequence[TrialTrainer]) -> object:
        sizes.append(len(trainers))
        result = original(self, trainers)
        if len(sizes) == 5:
            raise error
        return result

    monkeypatch.setattr(Packing, "gradients", gradients)
    shrunk = ListSource(config_of, tmp_path / "shrunk", trials)
    assert all(isinstance(outcome, Completed) for outcome in shrunk.outcomes())
    assert max(sizes[:5]) == 3
    assert max(sizes[5:], default=1) <= most_after
    for one, other in zip(whole.trials, shrunk.trials, strict=True):
        assert list(one.reports) == list(other.reports)
        for step, report in one.reports.items():
            assert other.reports[step]["validation/loss"] == pytest.approx(report["validation/loss"], rel=1e-3)


def test_an_interrupt_leaves_no_trial_told(
    config_of: ConfigOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All live trials are taken up again later."""
    source = ListSource(config_of, tmp_path, [[*COMMON, "fit.slots=2"]] * 2)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.Engine, "_shared_pass", stop)
    with pytest.raises(KeyboardInterrupt):
        source.outcomes()
    assert [trial.outcome for trial in source.trials] == [None, None]
