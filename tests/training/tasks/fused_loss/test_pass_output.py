"""Steps and evaluations with the loss in chunks are those with all logits."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
)

from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import Batch, EncodedSplit, Targets, collate
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.engine.packing import gradients_alone, packable, packing_of
from slimtune.training.engine.trainer import TrialTrainer
from slimtune.training.hardware.resources import resolve
from slimtune.training.tasks.fused_loss import chunked_nats, pass_output
from slimtune.training.tasks.fused_loss.head_input import head_input, plain_head
from slimtune.training.tasks.seq2seq_generation import EncoderDecoder
from slimtune.training.tracking.reporter import Reporter
from slimtune.training.tracking.run import NullRun
from slimtune.training.workbench.workbench import workbench_for
from tests.conftest import FakeTrial
from tests.training.tasks.conftest import CASES, Case

NEXT_TOKENS = [case for case in CASES if case.name.startswith(("generation", "language_modelling"))]
SLOW = ("fit.learning_rate=1e-4", "fit.warmup_share=0")
# of steps of 1e-4, in float64; norms compute in float32 whatever they are given
TOLERANCE = 1e-6
CPU = torch.device("cpu")


class Spy:
    """Counts the losses that were taken in chunks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, scores: int) -> None:
        self.calls = 0
        monkeypatch.setattr(chunked_nats, "CHUNK_SCORES", {"cpu": scores})
        real = pass_output.chunked_nats

        def counted(*arguments: Any, **options: Any) -> torch.Tensor:
            self.calls += 1
            return real(*arguments, **options)

        monkeypatch.setattr(pass_output, "chunked_nats", counted)


def trainer_of(config: TrialConfig, folder: Path) -> TrialTrainer:
    resources = resolve(config.fit)
    bench = workbench_for(config, resources)
    bench.base.model.double()
    trainer = TrialTrainer(FakeTrial({}, folder), config, bench, resources)
    trainer.model.double()
    return trainer


def trained(config: TrialConfig, folder: Path) -> tuple[list[torch.Tensor], dict[str, float]]:
    """The weights after some steps, and the scores of an evaluation."""
    trainer = trainer_of(config, folder)
    if packable(trainer) is not None:
        packing_of([trainer])
    for _ in range(3):
        gradients_alone(trainer)
        trainer.advance(Reporter(NullRun))
    scores = trainer._evaluation().scores
    return [one.detach().clone() for one in trainer.model.parameters() if one.requires_grad], scores


@pytest.mark.parametrize("how", [("fit.cuda_graphs=false", "fit.label_smoothing=0.1"), ("fit.cuda_graphs=true",)])
@pytest.mark.parametrize("case", NEXT_TOKENS, ids=lambda case: case.name)
def test_trials_come_out_as_with_all_logits(
    case: Case,
    how: tuple[str, ...],
    config_for: Callable[..., TrialConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trained heads and frozen ones, tied and not, alone and as a pass of slots, in fixed shapes and whatever comes."""
    config = config_for(case, *SLOW, *how)
    weights, scores = trained(config, tmp_path / "whole")
    spy = Spy(monkeypatch, scores=150)
    ours, our_scores = trained(config, tmp_path / "chunks")
    assert spy.calls > 3
    for one, other in zip(ours, weights, strict=True):
        torch.testing.assert_close(one, other, rtol=TOLERANCE, atol=TOLERANCE)
    assert our_scores == pytest.approx(scores, rel=1e-5)


def test_trials_of_one_pass_may_smooth_differently(
    config_for: Callable[..., TrialConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the pass gives logits, of which each takes its own loss."""
    case = next(case for case in NEXT_TOKENS if case.name == "generation, LoRA")
    spy = Spy(monkeypatch, scores=150)
    configs = [config_for(case, *SLOW, f"fit.label_smoothing={share}") for share in (0.0, 0.1)]
    first = trainer_of(configs[0], tmp_path)
    second = TrialTrainer(FakeTrial({}, tmp_path / "other"), configs[1], first.bench, first.resources)
    second.model.double()
    packing_of([first, second]).gradients([first, second])
    assert spy.calls == 0


def tiny(kind: Any, settings: Any, **more: Any) -> Any:
    torch.manual_seed(0)
    return kind(
        settings(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            **more,
        )
    )


def inputs_of(rows: Sequence[Sequence[int]]) -> dict[str, Any]:
    return {"input_ids": torch.tensor(rows), "logits_to_keep": torch.tensor([1, 2])}


def test_logits_that_are_changed_after_the_head_are_found_out() -> None:
    """Gemma 2 caps them; the model is run as always then, and nothing was drawn by finding out."""
    model = tiny(Gemma2ForCausalLM, Gemma2Config, head_dim=8)
    head = plain_head(model)
    assert head is not None
    before = torch.get_rng_state()
    assert head_input(model, head, inputs_of([[1, 2, 3]])) is None
    assert torch.equal(torch.get_rng_state(), before)
    assert plain_head(model) is None
    # its output layer is as it was
    assert model(**inputs_of([[1, 2, 3]])).logits.shape == (1, 2, 64)


def test_what_comes_out_is_what_the_head_is_called_with() -> None:
    """The output layer, over it, gives the model's logits."""
    model = tiny(LlamaForCausalLM, LlamaConfig)
    head = plain_head(model)
    assert head is not None
    found = head_input(model, head, inputs_of([[1, 2, 3]]))
    assert found is not None
    torch.testing.assert_close(found.hidden @ head.weight_VH.T, model(**inputs_of([[1, 2, 3]])).logits)


@pytest.mark.parametrize("changed", ["adapter", "hook", "compiled", "none"])
def test_a_head_that_is_more_than_a_layer_is_not_plain(changed: str) -> None:
    """Its logits are the model's business."""
    model = tiny(LlamaForCausalLM, LlamaConfig)
    if changed == "adapter":
        model.lm_head = torch.nn.Sequential(model.lm_head)
    elif changed == "hook":
        model.lm_head.register_forward_hook(lambda *_: None)
    elif changed == "compiled":
        model.compile(backend="eager")
    else:
        model = torch.nn.Linear(2, 2)
    assert plain_head(model) is None


def test_a_part_of_a_batch_does_not_say_which_positions_have_labels() -> None:
    """They are counted for all of its rows."""
    batch = Batch({"input_ids": torch.ones(2, 3)}, torch.ones(2, 3), None, torch.arange(6))
    assert batch.part(slice(1)).labelled_N is None


ENCODER_DECODER = {
    "vocab_size": 64,
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 32,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": None,
}


@pytest.mark.parametrize("family", ["bart", "mbart", "marian", "pegasus", "blenderbot", "plbart"])
def test_models_that_add_to_their_logits_have_the_ordinary_loss(
    family: str, config_for: Callable[..., TrialConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They cannot do so where the head is left out: that is no failure of the step, whose dropout is as always."""
    torch.manual_seed(0)
    model = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(family, **ENCODER_DECODER)).train()
    model.final_logits_bias.normal_()
    case = next(case for case in NEXT_TOKENS if case.name.endswith("encoder-decoder"))
    task = EncoderDecoder(config_for(case).task, 16, seed=0)
    rows = Ragged.of([[5, 6, 7, 2], [8, 9, 10, 2]])
    columns = {"input_ids": rows, "attention_mask": Ragged.of([[1] * 4] * 2), "labels": rows}
    batch = collate(EncodedSplit(Encoded(columns, 0), Targets(None, np.ones(2))), range(2), pad_id=1, device=CPU)
    spy, found = Spy(monkeypatch, scores=20), []
    for output_of in (task.logits, lambda *pass_of: pass_output.pass_output(task, *pass_of)):
        for _ in range(2):
            torch.manual_seed(1)
            found.append(pass_output.loss_of(task, output_of(model, batch), batch, label_smoothing=0.0).nats.item())
    assert found == [found[0]] * 4
    assert spy.calls == 0


@pytest.mark.parametrize(("told", "is_raised"), [("can't allocate memory", True), ("sizes do not match", False)])
def test_too_little_memory_says_nothing_of_the_logits(
    told: str, is_raised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for less at once is told of it; what else fails is tried with the head."""
    model = tiny(LlamaForCausalLM, LlamaConfig)
    head = plain_head(model)
    assert head is not None

    def failing(**_: Any) -> Any:
        raise RuntimeError(told)

    with monkeypatch.context() as patched:
        patched.setattr(model, "forward", failing)
        with pytest.raises(RuntimeError, match=told) if is_raised else nullcontext():
            assert head_input(model, head, inputs_of([[1, 2, 3]])) is None
    assert (plain_head(model) is not None) == is_raised
