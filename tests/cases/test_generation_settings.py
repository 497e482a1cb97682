"""A bundle ends and begins answers as the model's own generation settings say, or the settings are refused at once."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, GenerationConfig

from slimtune.export.bundle.interface import GenerationSettings
from slimtune.export.runtime.generation_session import Arrays, generated_ids
from slimtune.sweeper.cli import main
from slimtune.training.config.task import GenerationTask
from slimtune.training.data.batching import EncodedSplit, Targets
from slimtune.training.data.encoding import Encoded, Ragged
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.models.generate import Generation, generate
from slimtune.training.models.generation_settings import (
    GONE,
    PYTORCH_ONLY,
    SAMPLING,
    end_ids,
    settle_generation,
    start_id_of,
)
from slimtune.training.workbench.preflight import check_answers_end
from tests.cases.small_models import changed, pairs, reload_tokenizer, rows_in, save_model
from tests.cases.small_models import llama as llama

PROMPTS = [[7, 9], [11, 12, 13, 14, 15, 16], [20, 21, 22]]
NEW = 8
# done alike in PyTorch and in bundles, or of no effect on greedy answers
DONE = {"eos_token_id", "forced_bos_token_id", "forced_eos_token_id", "min_length", "min_new_tokens", "pad_token_id"}
GIVEN = {
    "max_length",
    "max_new_tokens",
    "num_beams",
    "do_sample",
    "use_cache",
    "bos_token_id",
    "decoder_start_token_id",
}
NO_EFFECT = {
    *SAMPLING,
    *("early_stopping", "length_penalty", "renormalize_logits", "remove_invalid_values", "num_return_sequences"),
    *("output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate"),
    *("cache_implementation", "cache_config", "max_cache_len", "compile_config", "disable_compile", "low_memory"),
    *("is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold"),
    *("prompt_lookup_num_tokens", "max_matching_ngram_size", "assistant_early_exit", "assistant_lookbehind"),
    *("target_lookbehind", "assistant_ensemble_weight", "speculation_type", "continuous_batching_config"),
    *("prefill_chunk_size", "diversity_penalty", "transformers_version"),
}


class ByPyTorch:
    """A session as a bundle has one, that asks PyTorch row by row."""

    def __init__(self, model: Any, start_id: int | None) -> None:
        self._model, self._start_id = model, start_id

    def begin(self, prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Arrays, np.ndarray | None]:
        self._prompts = [list(prompt) for prompt in prompts]
        self._written: list[list[int]] = [[] for _ in prompts]
        return {}, self._scores() if self._start_id is None else None

    def step(self, state: Arrays, ids_B: np.ndarray) -> np.ndarray:
        for written, number in zip(self._written, ids_B.tolist(), strict=True):
            written.append(number)
        return self._scores()

    @torch.inference_mode()
    def _scores(self) -> np.ndarray:
        return np.stack([self._row(*row) for row in zip(self._prompts, self._written, strict=True)])

    def _row(self, prompt: list[int], written: list[int]) -> np.ndarray:
        if self._start_id is None:
            logits = self._model(torch.tensor([prompt + written])).logits
        else:
            logits = self._model(torch.tensor([prompt]), decoder_input_ids=torch.tensor([written])).logits
        return np.asarray(logits[0, -1].numpy())


@pytest.fixture(scope="module")
def bart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sides = ("encoder", "decoder")
    sizes: dict[str, Any] = {"d_model": 32, "max_position_embeddings": 64}
    for name, size in {"layers": 1, "ffn_dim": 48, "attention_heads": 4}.items():
        sizes |= {f"{side}_{name}": size for side in sides}
    return save_model(tmp_path_factory.mktemp("bart"), "bart", **sizes)


def bundle_settings(model: Any, tokenizer: Any) -> GenerationSettings:
    own, is_causal = model.generation_config, not model.config.is_encoder_decoder
    return GenerationSettings(
        max_new_tokens=NEW,
        pad_id=tokenizer.pad_token_id,
        end_ids=end_ids(tokenizer, own),
        start_id=None if is_causal else start_id_of(model),
        forced_start_id=None if is_causal else own.forced_bos_token_id,
        forced_end_id=own.forced_eos_token_id,
        min_length=own.min_length or 0,
        min_new_tokens=own.min_new_tokens,
    )


@pytest.mark.parametrize("family", ["llama", "bart"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"min_length": 5},
        {"min_new_tokens": 3},
        {"min_length": 7, "min_new_tokens": 2},
        {"forced_eos_token_id": 0},
        {"eos_token_id": [0, 1]},
        {"forced_bos_token_id": 5, "min_length": 20},
    ],
    ids=str,
)
def test_l5_a_bundle_writes_what_pytorch_writes(
    family: str, asked: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """Whatever stands beside a row, and whatever the settings say of ends, beginnings and least lengths."""
    folder = request.getfixturevalue(family)
    kind: Any = AutoModelForCausalLM if family == "llama" else AutoModelForSeq2SeqLM
    model, tokenizer = kind.from_pretrained(folder).eval(), reload_tokenizer(folder)
    with torch.no_grad():
        # an end that is near
        bias = torch.zeros(len(tokenizer))
        bias[tokenizer.eos_token_id] = 4.0
        output = model.get_output_embeddings()
        output.bias = torch.nn.Parameter(bias)
    model.generation_config.update(**asked)
    settings, device = Generation(NEW, 1), torch.device("cpu")
    together = generate(model, PROMPTS, tokenizer, settings=settings, device=device)
    alone = [generate(model, [prompt], tokenizer, settings=settings, device=device)[0] for prompt in PROMPTS]
    written = bundle_settings(model, tokenizer)
    found = generated_ids(ByPyTorch(model, written.start_id), PROMPTS, written)
    assert [tokenizer.decode(ids, skip_special_tokens=True) for ids in found] == together == alone


@pytest.mark.parametrize(
    "asked", [{"no_repeat_ngram_size": 3, "min_length": 5}, {"repetition_penalty": 1.3}, {"stop_strings": ["x"]}]
)
def test_l5_what_a_bundle_does_not_do_is_refused_before_the_first_trial(
    overrides: list[str], llama: Path, tmp_path: Path, asked: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "asks"
    shutil.copytree(llama, model)
    changed(model, "generation_config.json", asked)
    given = [rows_in(tmp_path, pairs(40)), f"model.name_or_path={model}", "task=generation", "method=full"]
    assert main(["check", *overrides, *given, "export=onnx", "tracking=none", "data.target_column=target"]) == 2
    said = capsys.readouterr().err
    assert next(iter(asked)) in said
    assert "export=none" in said


def test_l5_settings_of_sampling_are_left_out_since_nothing_is_sampled(llama: Path) -> None:
    """transformers would refuse to save them with a trained model."""
    model = AutoModelForCausalLM.from_pretrained(llama)
    asked = {"temperature": 0.6, "top_p": 0.9, "num_return_sequences": 3, "return_dict_in_generate": True}
    for name, value in asked.items():
        setattr(model.generation_config, name, value)
    settle_generation(model, said="the model")
    model.generation_config.validate(strict=True)


def test_l5_settings_that_contradict_themselves_are_told(llama: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(llama)
    model.generation_config.early_stopping = "soon"
    with pytest.raises(ModelError, match="generation_config"):
        settle_generation(model, said="the model")


@pytest.mark.parametrize(
    ("family", "asked", "least"),
    [
        ("llama", {"min_new_tokens": 9}, 9),
        # of prompt and answer together: the longest row has 6 tokens
        ("llama", {"min_length": 15}, 9),
        ("llama", {"min_length": 14}, None),
        # beside the start
        ("bart", {"min_length": 10}, 9),
        ("bart", {"min_length": 9}, None),
        ("bart", {"min_length": 100, "min_new_tokens": 8}, None),
    ],
)
def test_an_answer_that_could_not_end_is_told_before_the_first_trial(
    family: str, asked: dict[str, Any], least: int | None, request: pytest.FixtureRequest
) -> None:
    kind: Any = AutoModelForCausalLM if family == "llama" else AutoModelForSeq2SeqLM
    model = kind.from_pretrained(request.getfixturevalue(family))
    model.generation_config.update(**asked)
    rows = EncodedSplit(Encoded({"input_ids": Ragged.of(PROMPTS)}, 0), Targets(None, np.ones(3)), [])
    task: Any = GenerationTask.__new__(GenerationTask)
    task.max_new_tokens = NEW
    data: Any = SimpleNamespace(model=model, config=SimpleNamespace(task=task), encoded={"train": rows})
    if least is None:
        check_answers_end(data)
        return
    key = next(iter(asked))
    said = f"task.max_new_tokens is {NEW}, and .* {key}={asked[key]}, .* use task.max_new_tokens={least} or more"
    with pytest.raises(ConfigError, match=said):
        check_answers_end(data)


def test_every_setting_of_transformers_is_one_that_we_know() -> None:
    """A version with another one asks for a decision: done, of no effect, or refused."""
    known = {*PYTORCH_ONLY, *GONE, *DONE, *GIVEN, *NO_EFFECT}
    found = {name for name in vars(GenerationConfig()) if not name.startswith("_")}
    assert found <= known
