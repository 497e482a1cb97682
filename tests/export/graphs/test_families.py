"""Architectures, made small from their config: the graph is the model at any shape, and every variant is made of it."""

# B rows, T tokens, U of an answer, V vocabulary

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import transformers
from onnx import TensorProto, helper
from transformers import AutoConfig

from slimtune.export.config import Calibration, Variant
from slimtune.export.graph_names import INPUTS, MODEL, PAIR_INPUTS, Kind
from slimtune.export.graphs.causal_graph import export_causal
from slimtune.export.graphs.encoder_graph import export_graph
from slimtune.export.graphs.seq2seq_graph import export_encoder_decoder
from slimtune.export.runtime.execution import Execution
from slimtune.export.runtime.generation_session import generation_session_of
from slimtune.export.variants.build import build
from slimtune.export.variants.quantization_settings import QuantizationSettings
from slimtune.training.errors import ModelError

VOCABULARY, ONE_THREAD = 120, Execution(num_threads=1)
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
GROUPED = {**SIZES, "num_key_value_heads": 2, "pad_token_id": 0}
TWO_LAYERS = {"num_hidden_layers": 2}
LOCAL_AND_GLOBAL = {**TWO_LAYERS, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
GPT = {"n_embd": 64, "n_layer": 1, "n_head": 4, "n_positions": 64}
BART = {
    "d_model": 64,
    **{f"{part}_layers": 1 for part in ("encoder", "decoder")},
    **{f"{part}_attention_heads": 4 for part in ("encoder", "decoder")},
    **{f"{part}_ffn_dim": 96 for part in ("encoder", "decoder")},
    "max_position_embeddings": 64,
}
T5 = {"d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 1, "num_heads": 4}
DEBERTA = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
ENCODERS: Mapping[str, Mapping[str, Any]] = {
    "bert": SIZES,
    "roberta": {**SIZES, "pad_token_id": 1},
    "distilbert": {"dim": 64, "hidden_dim": 96, "n_layers": 1, "n_heads": 4, "max_position_embeddings": 64},
    "electra": {**SIZES, "embedding_size": 32},
    "albert": {**SIZES, "embedding_size": 32},
    "deberta-v2": {**SIZES, **DEBERTA, "position_buckets": 16, "norm_rel_ebd": "layer_norm", "type_vocab_size": 0},
    "modernbert": {
        **SIZES,
        "num_hidden_layers": 2,
        "local_attention": 8,
        "global_attn_every_n_layers": 2,
        "pad_token_id": 0,
    },
    "mpnet": {**SIZES, "pad_token_id": 1},
    "qwen3": {**GROUPED, "head_dim": 16},
}
CAUSAL: Mapping[str, Mapping[str, Any]] = {
    "gpt2": GPT,
    "gpt_neox": SIZES,
    "opt": {**SIZES, "ffn_dim": 96, "word_embed_proj_dim": 64},
    "bloom": {"hidden_size": 64, "n_layer": 1, "n_head": 4},
    "phi3": {**GROUPED, "sliding_window": 8},
    "qwen2": GROUPED,
    "gemma3_text": {**GROUPED, "head_dim": 16, "query_pre_attn_scalar": 16, **LOCAL_AND_GLOBAL},
    "mistral": {**GROUPED, "sliding_window": 8},
    "mixtral": {**GROUPED, "num_local_experts": 2, "num_experts_per_tok": 1},
}
ENCODER_DECODERS: Mapping[str, Mapping[str, Any]] = {
    "t5": T5,
    "mt5": T5,
    "bart": BART,
    "marian": {**BART, "pad_token_id": 119, "decoder_start_token_id": 119},
    "pegasus": BART,
}
VARIANTS = (Variant.fp16, Variant.int8_dynamic, Variant.int8_blockwise, Variant.int8_split, Variant.int4_blockwise)
# of the scores' own spread, in models whose weights were drawn and not trained
GAPS = {
    Variant.fp16: 0.02,
    Variant.int8_dynamic: 0.3,
    Variant.int8_blockwise: 0.1,
    Variant.int8_split: 0.05,
    Variant.int4_blockwise: 1.0,
}
# rows and tokens; none was traced
SHAPES = ((1, 1), (3, 5), (4, 23))


def drawn(kind: str, family: str, sizes: Mapping[str, Any], **more: Any) -> Any:
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, vocab_size=VOCABULARY, **sizes, **more)
    build_model: Any = getattr(transformers, kind)
    return build_model.from_config(config).eval()


def rows(num_rows: int, length: int, *, padded_left: bool) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(length)
    ids_BT = torch.randint(5, VOCABULARY - 5, (num_rows, length), generator=generator)
    mask_BT = torch.ones_like(ids_BT)
    if num_rows > 1:
        mask_BT[-1, slice(2) if padded_left else slice(-2, None)] = 0
    return dict(zip(INPUTS, (ids_BT, mask_BT), strict=True))


def arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


@cache
def share_lost() -> float:
    """What of a product in int8 this processor may lose: those with AVX2 but without VNNI add two products of unsigned
    by signed bytes in 16 bits, and cut the sum off at 32,767.
    """
    left = helper.make_tensor_value_info("a", TensorProto.UINT8, (1, 4))
    right = helper.make_tensor_value_info("b", TensorProto.INT8, (4, 1))
    product = helper.make_tensor_value_info("y", TensorProto.INT32, (1, 1))
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    model = helper.make_model(
        helper.make_graph([node], "product", [left, right], [product]),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {"a": np.full((1, 4), 255, np.uint8), "b": np.full((4, 1), 127, np.int8)}
    return 1 - session.run(None, feed)[0].item() / (4 * 255 * 127)


def largest_gap(variant: Variant) -> float:
    return max(GAPS[variant], share_lost() if variant is Variant.int8_dynamic else 0.0)


def check_variants(folder: Path, run: Callable[[Path], np.ndarray], tmp_path: Path) -> None:
    exact = run(folder)
    for variant in VARIANTS:
        target = tmp_path / variant.value
        build(variant, folder, target, QuantizationSettings(True, 32, False, Calibration.minmax))
        found = run(target)
        assert 0 < np.sqrt(np.mean((found - exact) ** 2)) < largest_gap(variant) * exact.std(), variant


def last_row(feed: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """By itself, without its padding."""
    is_real_T = feed["attention_mask"][-1].bool()
    return {name: values[-1:, is_real_T] for name, values in feed.items()}


def check_alone(beside: np.ndarray, alone: np.ndarray) -> None:
    """A padded row beside others scores what it scores by itself; a causal model's padding stands before it."""
    assert np.abs(beside[-len(alone) :] - alone).max() < 1e-5 * max(1.0, np.abs(alone).max())


def class_scores(folder: Path, feed: Mapping[str, torch.Tensor]) -> np.ndarray:
    session = onnxruntime.InferenceSession(folder / MODEL, providers=["CPUExecutionProvider"])
    scores: np.ndarray = session.run(None, arrays(feed))[0]
    return scores


def encoder_feed(num_rows: int, length: int, *, has_types: bool) -> dict[str, torch.Tensor]:
    feed = rows(num_rows, length, padded_left=False)
    if has_types:
        feed[PAIR_INPUTS[-1]] = (torch.arange(length) >= length // 2).long().expand(num_rows, -1).contiguous()
    return feed


@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoder_is_pytorchs_and_has_every_variant(family: str, tmp_path: Path) -> None:
    model = drawn("AutoModelForSequenceClassification", family, ENCODERS[family], num_labels=3)
    tells_texts_apart = "token_type_ids" in inspect.signature(model.forward).parameters
    has_types = tells_texts_apart and getattr(model.config, "type_vocab_size", 0) > 1
    folder = tmp_path / "fp32"
    export_graph(model, folder, opset=20, inputs=PAIR_INPUTS if has_types else INPUTS)
    for num_rows, length in SHAPES:
        feed = encoder_feed(num_rows, length, has_types=has_types)
        with torch.inference_mode():
            expected = model(**feed).logits.numpy()
        assert np.abs(class_scores(folder, feed) - expected).max() < 1e-5
    feed = encoder_feed(16, 23, has_types=has_types)
    # decoders that classify find a row's last token by what pads
    pads = feed["input_ids"].masked_fill(feed["attention_mask"] == 0, model.config.pad_token_id or 0)
    check_alone(class_scores(folder, {**feed, "input_ids": pads})[-1], class_scores(folder, last_row(feed))[0])
    check_variants(folder, lambda one: class_scores(one, feed), tmp_path)


def next_token_scores(folder: Path, feed: Mapping[str, torch.Tensor]) -> np.ndarray:
    """Scores (B, T, V), zero where there is padding."""
    session: Any = generation_session_of(Kind.causal, folder, execution=ONE_THREAD)
    ids_BT, mask_BT = arrays(feed).values()
    scores: np.ndarray = session.scores(ids_BT, mask_BT)
    return scores * mask_BT[..., None]


@pytest.mark.parametrize("family", CAUSAL)
def test_a_causal_model_is_pytorchs_and_has_every_variant(family: str, tmp_path: Path) -> None:
    model, folder = drawn("AutoModelForCausalLM", family, CAUSAL[family]), tmp_path / "fp32"
    export_causal(model, folder, opset=20)
    for num_rows, length in SHAPES:
        feed = rows(num_rows, length, padded_left=True)
        given = dict(feed)
        if "position_ids" in inspect.signature(model.forward).parameters:
            given["position_ids"] = (feed["attention_mask"].cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode():
            expected = model(**given).logits.numpy() * feed["attention_mask"].numpy()[..., None]
        assert np.abs(next_token_scores(folder, feed) - expected).max() < 1e-5
    feed = rows(8, 23, padded_left=True)
    check_alone(next_token_scores(folder, feed)[-1], next_token_scores(folder, last_row(feed))[0])
    check_variants(folder, lambda one: next_token_scores(one, feed), tmp_path)


def answer_scores(folder: Path, feed: Mapping[str, torch.Tensor], answer_BU: torch.Tensor) -> np.ndarray:
    session: Any = generation_session_of(Kind.encoder_decoder, folder, execution=ONE_THREAD)
    scores: np.ndarray = session.scores(*arrays(feed).values(), answer_BU.numpy())
    return scores


@pytest.mark.parametrize("family", ENCODER_DECODERS)
def test_an_encoder_decoder_is_pytorchs_and_has_every_variant(family: str, tmp_path: Path) -> None:
    model, folder = drawn("AutoModelForSeq2SeqLM", family, ENCODER_DECODERS[family]), tmp_path / "fp32"
    export_encoder_decoder(model, folder, opset=20)
    for num_rows, length in SHAPES:
        feed = rows(num_rows, length, padded_left=False)
        answer_BU = rows(num_rows, 9, padded_left=False)["input_ids"]
        with torch.inference_mode():
            expected = model(**feed, decoder_input_ids=answer_BU).logits.numpy()
        found = answer_scores(folder, feed, answer_BU)
        assert np.abs(found - expected).max() < 1e-5 * max(1.0, np.abs(expected).max())
    feed, answer_BU = rows(8, 23, padded_left=False), rows(8, 9, padded_left=False)["input_ids"]
    check_alone(answer_scores(folder, feed, answer_BU)[-1], answer_scores(folder, last_row(feed), answer_BU[-1:])[0])
    check_variants(folder, lambda one: answer_scores(one, feed, answer_BU), tmp_path)


@pytest.mark.parametrize(
    ("family", "sizes", "message"),
    [
        (
            "mpt",
            {"d_model": 64, "n_layers": 1, "n_heads": 4, "max_seq_len": 64},
            "a model of type mpt as an ONNX graph",
        ),
        (
            "lfm2",
            {**GROUPED, **TWO_LAYERS, "layer_types": ["conv", "full_attention"]},
            "another memory than keys and values",
        ),
    ],
)
def test_what_has_no_graph_is_told(
    family: str, sizes: Mapping[str, Any], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a sentence, and not by the pages that torch prints."""
    model = drawn("AutoModelForCausalLM", family, sizes)
    capfd.readouterr()
    with pytest.raises(ModelError, match=f"{message}.*use export=none"):
        export_causal(model, tmp_path, opset=20)
    printed = capfd.readouterr()
    assert len(printed.out + printed.err) < 500
    assert not list(tmp_path.iterdir())
