"""A row's score does not depend on the rows beside it: alone or in a batch, padded on either side."""

# B rows, T tokens

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from slimtune.export.adapters.base import base_config
from slimtune.export.graphs.causal_graph import export_causal
from slimtune.export.graphs.encoder_graph import export_graph
from slimtune.export.runtime.encoder_session import EncodedText, EncoderSession, TextSettings
from slimtune.export.runtime.execution import Execution
from slimtune.export.runtime.generation_session import CausalSession
from slimtune.sweeper.cli import main
from slimtune.training.data.padding import padded_ids
from slimtune.training.errors import ModelError
from slimtune.training.models.generate import Generation, generate
from slimtune.training.models.loading import load_base
from slimtune.training.models.padding import settle_padding
from tests.cases.small_models import changed, reload_tokenizer
from tests.cases.small_models import llama as llama
from tests.cases.test_named_model import CLASSIFIER
from tests.training.methods.families import BOTH, DECODERS, END, PAD, SHAPES, VOCAB, Shape, make_model

CPU, ONE_THREAD = torch.device("cpu"), Execution(num_threads=1)
# sums of products in another order
CLOSE = 2e-4
ROWS = st.lists(st.lists(st.integers(3, VOCAB - 1), min_size=1, max_size=12), min_size=2, max_size=4)
FEW = settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
# a model that looks for no padding, or for another one than the tokenizer's, as configs of other people do
WRONG_PADS = (None, VOCAB - 1, -1)


@torch.inference_mode()
def scores(model: Any, shape: Shape, rows: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Of each row, without its padding."""
    ids_BT, mask_BT = (torch.from_numpy(array) for array in padded_ids(rows, PAD, left=False))
    more = {"decoder_input_ids": ids_BT[:, :1] * 0 + 1} if shape.task == "SEQ_2_SEQ_LM" else {}
    logits = model(input_ids=ids_BT, attention_mask=mask_BT, **more).logits.numpy()
    per_token = shape.task in ("TOKEN_CLS", "CAUSAL_LM")
    return [row[: len(ids)] if per_token else row for row, ids in zip(logits, rows, strict=True)]


def one_layer(config: Any, kind: Any) -> Any:
    """A smaller one: graphs are slow to trace."""
    config.num_hidden_layers = 1
    torch.manual_seed(0)
    return kind.from_config(config, attn_implementation="eager").eval()


def same(together: Sequence[np.ndarray], alone: Sequence[np.ndarray]) -> None:
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, other, atol=CLOSE)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_s3_in_pytorch_for_every_family_and_head(shape: Shape) -> None:
    model = make_model(shape)
    # they score the last end-of-sequence, of which rows of a tokenizer have one each
    ends = [END] if shape.family in BOTH and shape.task == "SEQ_CLS" else []
    if shape.family in DECODERS:
        model.config.pad_token_id = WRONG_PADS[len(shape.family) % 3]
    settle_padding(model, PAD, said="the model")

    @FEW
    @given(ROWS)
    def holds(drawn: list[list[int]]) -> None:
        rows = [[*row, *ends] for row in drawn]
        same(scores(model, shape, rows), [scores(model, shape, [row])[0] for row in rows])

    holds()


@pytest.mark.parametrize("family", DECODERS)
def test_s3_answers_of_every_family_that_are_padded_on_the_left(family: str, llama: Path) -> None:
    model, tokenizer = make_model(Shape(family, "CAUSAL_LM")), reload_tokenizer(llama)
    model.generation_config.update(eos_token_id=2, pad_token_id=PAD)
    written, prompts = Generation(4, 1), [[7], [9, 10, 11, 12, 13, 14, 15], [20, 21, 22]]
    together = generate(model, prompts, tokenizer, settings=written, device=CPU)
    assert together == [generate(model, [prompt], tokenizer, settings=written, device=CPU)[0] for prompt in prompts]


@pytest.mark.slow
def test_s3_in_a_graph_that_classifies(llama: Path, tmp_path: Path) -> None:
    """By the last token that is no padding."""
    model = one_layer(make_model(Shape("llama", "SEQ_CLS")).config, AutoModelForSequenceClassification)
    model.config.pad_token_id = PAD
    export_graph(model, tmp_path, opset=20)
    session = EncoderSession(tmp_path, llama / "tokenizer.json", TextSettings(32, PAD), execution=ONE_THREAD)

    @FEW
    @given(ROWS)
    def holds(rows: list[list[int]]) -> None:
        given_rows = [EncodedText(row, [0] * len(row)) for row in rows]
        same(session.run_rows(given_rows), [session.run_rows([row])[0] for row in given_rows])

    holds()


@pytest.mark.slow
def test_s3_in_a_graph_that_writes_padded_on_either_side(tmp_path: Path) -> None:
    """Of a family whose positions are a table: places are counted without the padding."""
    model = one_layer(make_model(Shape("gpt2", "CAUSAL_LM")).config, AutoModelForCausalLM)
    export_causal(model, tmp_path, opset=20)
    session = CausalSession(tmp_path, execution=ONE_THREAD)

    @FEW
    @given(ROWS)
    def holds(rows: list[list[int]]) -> None:
        first = [session.begin([row], PAD)[1] for row in rows]
        same(list(session.begin(rows, PAD)[1]), [one[0] for one in first if one is not None])  # type: ignore[arg-type]
        ids_BT, mask_BT = padded_ids(rows, PAD, left=False)
        right = session.scores(ids_BT, mask_BT)
        same([right[at, len(row) - 1] for at, row in enumerate(rows)], [one[0] for one in first if one is not None])

    holds()


def test_s3_the_tokenizers_padding_is_taken_and_kept(llama: Path, tmp_path: Path) -> None:
    """Also by whoever loads the trained model again."""
    model, tokenizer = tmp_path / "other", reload_tokenizer(llama)
    shutil.copytree(llama, model)
    changed(model, "config.json", {"pad_token_id": -1})
    pad_id = tokenizer.pad_token_id
    config = base_config(str(model), None)
    base = load_base(config, CLASSIFIER, dtype=torch.float32, device=CPU, pad_token_id=pad_id)
    base.model.save_pretrained(tmp_path / "trained")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "trained").eval()
    assert again.config.pad_token_id == pad_id
    rows = [[5, 6, 7, 8, 9, 10], [11, 12]]
    ids_BT, mask_BT = (torch.from_numpy(array) for array in padded_ids(rows, pad_id, left=False))
    with torch.inference_mode():
        together = again(input_ids=ids_BT, attention_mask=mask_BT).logits[1]
        alone = again(input_ids=torch.tensor([rows[1]])).logits[0]
    torch.testing.assert_close(together, alone, atol=CLOSE, rtol=0)


def test_s3_another_padding_is_told_before_the_first_trial(
    overrides: list[str], llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "other"
    shutil.copytree(llama, model)
    changed(model, "config.json", {"pad_token_id": -1})
    assert main(["check", *overrides, f"model.name_or_path={model}", "method=full"]) == 0
    assert "config pads with token -1 and its tokenizer with" in " ".join(capsys.readouterr().out.split())


def test_s3_positions_that_are_counted_from_another_padding_are_refused() -> None:
    model = make_model(Shape("roberta", "SEQ_CLS"))
    with pytest.raises(ModelError, match="positions are counted from pad_token_id 0"):
        settle_padding(model, 1, said="the model")
