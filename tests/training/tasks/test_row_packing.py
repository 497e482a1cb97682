"""A batch whose examples share rows has the loss, the gradients and the steps of one whose examples have their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.batching import EncodedSplit, Targets, collate
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.data.row_packing.layout import RowCost
from slimtune.training.data.row_packing.packed_batch import packed_batch
from slimtune.training.engine.packing import gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.errors import ConfigError
from slimtune.training.hardware.resources import resolve
from slimtune.training.tasks.causal_generation import Causal
from slimtune.training.tasks.fused_loss import chunked_nats
from slimtune.training.tasks.language_modelling import LanguageModelling
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.workbench import preflight
from slimtune.training.workbench.preflight import check_packing
from slimtune.training.workbench.prepared_data import prepare_data
from slimtune.training.workbench.row_plan import RowPlan, row_plan
from slimtune.training.workbench.training_rows import TrainingRows
from slimtune.training.workbench.workbench import workbench_for
from tests.composed import plain_config
from tests.conftest import FakeTrial
from tests.training.models.test_packed_rows import KEEPING, SMALL
from tests.training.tasks.conftest import CASES

CPU = torch.device("cpu")
SLOW = ("fit.learning_rate=1e-4", "fit.warmup_share=0")
# of steps of 1e-4, in float64; norms and positions compute in float32 whatever they are given
TOLERANCE = 1e-6
LENGTHS = (3, 11, 2, 7, 5, 4)


def split_of() -> EncodedSplit:
    generator = np.random.default_rng(0)
    rows = Ragged.of([generator.integers(1, 48, size=length) for length in LENGTHS])
    return EncodedSplit(Encoded({"input_ids": rows, "labels": rows}, 0), Targets(None, np.ones(6), next_token=True))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen2", "qwen3"])
def test_gradients_are_those_of_rows_of_their_own(family: str, attention: str) -> None:
    """Of every weight of the model, and the loss is the sum over the same tokens."""
    torch.manual_seed(0)
    dropless = {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0} if family == "gpt2" else {}
    settings = AutoConfig.for_model(family, **SMALL, **KEEPING[family], **dropless)
    model = AutoModelForCausalLM.from_config(settings, attn_implementation=attention).double().train()
    # as bases have it
    model.config.use_cache = False
    task, found = LanguageModelling(16), []
    batches = (
        collate(split_of(), range(6), pad_id=0, device=CPU),
        packed_batch(split_of(), range(6), pad_id=0, cost=RowCost(16), device=CPU),
    )
    assert len(batches[1]) < 6
    for batch in batches:
        model.zero_grad()
        loss = task.loss(task.logits(model, batch), batch, label_smoothing=0.1)
        loss.nats.backward()  # type: ignore[no-untyped-call]
        assert loss.rows == 6
        found.append([loss.nats.detach(), *(one.grad.clone() for one in model.parameters())])
    torch.testing.assert_close(found[1], found[0], rtol=TOLERANCE, atol=TOLERANCE)


def trainers_of(configs: list[TrialConfig], folder: Path) -> list[TrialTrainer]:
    resources = resolve(configs[0].fit)
    bench = workbench_for(configs[0], resources)
    bench.base.model.double()
    trainers = []
    for number, config in enumerate(configs):
        trainers.append(TrialTrainer(FakeTrial({}, folder / str(number)), config, bench, resources))
        trainers[-1].model.double()
    return trainers


def trained(configs: list[TrialConfig], folder: Path) -> list[torch.Tensor]:
    """The weights of all trials after some ticks."""
    trainers = trainers_of(configs, folder)
    packing = packing_of(trainers) if packable(trainers[0]) is not None else None
    for _ in range(4):
        if packing is not None:
            packing.gradients(trainers)
        else:
            gradients_alone(trainers[0])
        for trainer in trainers:
            trainer.advance(Reporter(NullRun))
    parameters = [one for trainer in trainers for one in trainer.model.parameters()]
    return [one.detach().clone() for one in parameters if one.requires_grad]


def case(name: str) -> Any:
    return next(one for one in CASES if one.name == name)


@pytest.mark.parametrize("graphs", ["false", "true"])
@pytest.mark.parametrize("name", ["generation", "generation, LoRA"])
@pytest.mark.parametrize("more", [(), ("fit.micro_batch_size=3",), ("fit.gradient_checkpointing=true",)])
def test_steps_come_out_as_with_rows_of_their_own(
    more: tuple[str, ...], name: str, graphs: str, config_for: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    """A batch is the same examples, whatever the micro-batch, in fixed shapes and others."""
    given = (*SLOW, f"fit.cuda_graphs={graphs}", *more)
    ours, theirs = (
        trained([config_for(case(name), *given, f"fit.row_packing={word}")], tmp_path / word)
        for word in ("true", "false")
    )
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def test_slots_share_passes_over_packed_rows(config_for: Callable[..., TrialConfig], tmp_path: Path) -> None:
    """Trials of other batch sizes among them: whether rows are packed is each trial's own matter."""

    def of(*words: str) -> list[TrialConfig]:
        sizes = zip((8, 4, 6), words, strict=True)
        name = case("generation, LoRA")
        return [config_for(name, *SLOW, f"fit.batch_size={size}", f"fit.row_packing={word}") for size, word in sizes]

    wanted = trained(of("false", "false", "false"), tmp_path / "padded")
    for words in (("true", "true", "true"), ("false", "true", "true")):
        ours = trained(of(*words), tmp_path / words[0])
        for one, other in zip(ours, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_loss_in_chunks_is_of_packed_rows_too(
    config_for: Callable[..., TrialConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways to save together."""
    wanted = trained([config_for(case("generation, LoRA"), *SLOW, "fit.row_packing=false")], tmp_path / "a")
    monkeypatch.setattr(chunked_nats, "CHUNK_SCORES", {"cpu": 700})
    ours = trained([config_for(case("generation, LoRA"), *SLOW, "fit.row_packing=true")], tmp_path / "b")
    for one, other in zip(ours, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def shortened(row: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    words = row["input"].split()
    return {**row, "input": " ".join(words[: generator.integers(1, 4)]), "target": row["target"] * 2}


def test_rows_that_are_changed_in_each_step_share_rows_too(
    config_for: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    """The gradient of a batch is that of the same changed rows in rows of their own; they have other lengths."""
    augment = f"fit.augment={{_target_: {__name__}.shortened}}"
    config = config_for(case("generation, LoRA"), "fit.row_packing=true", augment)
    (trainer,) = trainers_of([config], tmp_path)
    task, model = trainer.bench.task, trainer.model.eval()
    rows_N, found = np.array([7, 2, 11, 5, 3, 8]), []
    rows, own_rows = (TrainingRows(config, trainer.bench, RowPlan(cost, None)) for cost in (RowCost(64), None))
    for one in (rows, own_rows):
        one.begin(rows_N, num_steps=3)
    shared, own = rows.collated(rows_N, CPU), own_rows.collated(rows_N, CPU)
    assert len(shared) < len(own) == 6
    lengths = own.inputs["attention_mask"].sum(1).tolist()
    assert lengths != trainer.bench.splits["train"].encoded.lengths()[rows_N].tolist()
    assert sum(lengths) == rows.num_tokens(rows_N)
    for batch in (shared, own):
        model.zero_grad()
        loss = task.loss(task.logits(model, batch), batch, label_smoothing=0.1)
        loss.nats.backward()  # type: ignore[no-untyped-call]
        found.append([loss.nats.detach(), *(one.grad.clone() for one in model.parameters() if one.requires_grad)])
    torch.testing.assert_close(found[0], found[1], rtol=TOLERANCE, atol=TOLERANCE)
    assert any(one.abs().max() > 0 for one in found[0][1:])


def test_steps_over_changed_rows_come_out_as_with_rows_of_their_own(
    config_for: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    """In micro-batches, whose rows are those of the step."""
    augment = f"fit.augment={{_target_: {__name__}.shortened}}"
    given = (*SLOW, augment, "fit.micro_batch_size=3")
    ours, theirs = (
        trained([config_for(case("generation, LoRA"), *given, f"fit.row_packing={word}")], tmp_path / word)
        for word in ("true", "false")
    )
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def test_auto_tells_why_rows_stay_rows(config_for: Callable[..., TrialConfig], tmp_path: Path) -> None:
    """Rows of like length have hardly any padding; whoever wants it all the same says true."""
    (trainer,) = trainers_of([config_for(case("generation, LoRA"), "fit.batch_size=2")], tmp_path)
    assert trainer.row_plan.told.startswith("false: it would save ")
    (trainer,) = trainers_of([config_for(case("classification"))], tmp_path)
    assert trainer.row_plan.told == "false: the rows are none of next tokens"


@pytest.mark.parametrize("kind", [LanguageModelling, Causal])
def test_a_task_of_ones_own_keeps_a_row_for_each_example(kind: Any, config_for: Callable[..., TrialConfig]) -> None:
    """It may be derived from one of ours, and its loss would be given a few rows of several examples."""

    class Own(kind):  # type: ignore[misc]
        pass

    config = config_for(case("generation, LoRA"), "fit.row_packing=true")
    bench = workbench_for(config, resolve(config.fit))
    assert row_plan(config, bench, lengthen=None).reason is None
    own = bench._replace(task=Own(16) if kind is LanguageModelling else Own(config.task, 16, seed=0))
    with pytest.raises(ConfigError, match="row_packing is true, but the task is one's own, whose loss may look at"):
        row_plan(config, own, lengthen=None)
    auto = config_for(case("generation, LoRA"), "fit.batch_size=8")
    assert row_plan(auto, own, lengthen=None).told == "false: the task is one's own, whose loss may look at whole rows"


def test_what_cannot_be_is_refused(config_for: Callable[..., TrialConfig], tmp_path: Path) -> None:
    """With key, value, rule and repair."""
    config = config_for(case("generation, LoRA, encoder-decoder"), "fit.row_packing=true")
    with pytest.raises(ConfigError, match="row_packing is true, but the rows are none of next tokens; use auto"):
        trainers_of([config], tmp_path)


def test_what_cannot_be_is_refused_before_the_first_trial(
    config_for: Callable[..., TrialConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encoder-decoder, and a model that lets examples see each other, of which one with new weights is made."""
    t5 = prepare_data(config_for(case("generation, LoRA, encoder-decoder"), "fit.row_packing=true"))
    with pytest.raises(ConfigError, match="but a t5 reads the prompt apart from the answer; use auto or false"):
        check_packing(t5)
    llama = prepare_data(config_for(case("generation, LoRA"), "fit.row_packing=true"))
    check_packing(llama)
    monkeypatch.setattr(preflight, "refuses_packed_rows", lambda _: "in a llama an example sees the one before it")
    with pytest.raises(ConfigError, match="row_packing is true, but in a llama an example sees the one before it; use"):
        check_packing(llama)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("task=classification",), "task=classification predicts no next tokens; use false"),
        (
            ("task=custom", "task.name=examples.custom.regression.Regression"),
            "'examples.custom.regression.Regression', a task of your own, whose loss may look at whole rows; use false",
        ),
        (("task=generation", "method=prompt_tuning"), "puts tokens before each row; use false, or another method"),
        (("task=generation", "task.loss={_target_: torch.nn.functional.mse_loss}"), "task.loss is your own"),
    ],
)
def test_what_no_model_can_is_a_problem_of_the_config(given: tuple[str, ...], said: str) -> None:
    """Told with all others, before anything is read."""
    names = ("model.name_or_path=x", "data.train_file=rows.jsonl", "search.name=mine", "fit.row_packing=true")
    problems = parse_trial(plain_config([*names, *given])).problems
    assert [said in problem for problem in problems] == [True]
