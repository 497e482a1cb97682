"""Rows are as long as the model has places for, and long enough to say something."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from slimtune.sweeper.cli import main
from slimtune.training.data_report.report import Findings, RowsBySplit, make_report
from slimtune.training.models.positions import Positions, positions_of
from tests.cases.small_models import LLAMA, TURNS, pairs, rows_in, save_model, words
from tests.training.methods.families import FAMILIES

# of 64 positions by name; RoBERTa's begin behind its padding token, which is 0 here and 1 in its own checkpoints
TABLES = {"bert": 64, "roberta": 63, "distilbert": 512, "gpt2": 64, "bart": 64}
OTHERS = {
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "mpnet": {"pad_token_id": 1},
    "marian": {"pad_token_id": 95, "d_model": 32},
    "xlm-roberta": {},
}


def on_no_device(family: str, sizes: dict[str, Any]) -> Any:
    with torch.device("meta"):
        return AutoModel.from_config(AutoConfig.for_model(family, **sizes))


@pytest.mark.parametrize("family", TABLES)
def test_t2_tables_of_positions_are_counted_with_their_offsets(family: str) -> None:
    assert positions_of(on_no_device(family, FAMILIES[family])) == Positions(TABLES[family], TABLES[family], True)


def test_t2_more_families_with_offsets() -> None:
    sizes = {**LLAMA, "vocab_size": 96, "max_position_embeddings": 66}
    found = {family: positions_of(on_no_device(family, {**sizes, **more})).read for family, more in OTHERS.items()}
    assert found == {"opt": 66, "mpnet": 64, "marian": 66, "xlm-roberta": 64}


@pytest.mark.parametrize("family", ["llama", "t5", "modernbert"])
def test_t2_models_without_a_table_take_any_length(family: str) -> None:
    assert not positions_of(on_no_device(family, FAMILIES[family])).is_table


def test_t2_rows_longer_than_the_model_are_refused_with_its_positions(
    overrides: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = [{"text": words(90, seed=row), "label": "ab"[row % 2]} for row in range(40)]
    asked = [rows_in(tmp_path, rows), "data.max_length=65", f"hydra.run.dir={tmp_path / 'run'}"]
    assert main(["train", *overrides, *asked]) == 2
    assert (
        "data.max_length is 65, more than the model's 64 positions; use data.max_length=64" in capsys.readouterr().err
    )


def test_t2_a_limit_that_no_row_comes_near_is_told(overrides: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *overrides, "data.max_length=128"]) == 0
    assert "data.max_length=128 is more than the 64 tokens" in " ".join(capsys.readouterr().out.split())


def test_t2_answers_longer_than_the_model_are_refused(
    overrides: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sizes = {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 48}
    model = save_model(tmp_path / "gpt2", "gpt2", chat_template=TURNS, **sizes)
    given = [rows_in(tmp_path, pairs(40)), f"model.name_or_path={model}", "task=generation", "method=full"]
    asked = ["data.target_column=target", "task.max_new_tokens=48"]
    assert main(["check", *overrides, *given, *asked]) == 2
    assert "use task.max_new_tokens=47 at most" in capsys.readouterr().err


@pytest.mark.parametrize(("most", "suggested", "hint"), [(None, 704, "keeps 99 %"), (512, 512, "as much as the model")])
def test_t2_the_report_recommends_no_more_than_the_model_takes(most: int | None, suggested: int, hint: str) -> None:
    rows = RowsBySplit({"train": ["x"] * 9}, None, {"train": np.full(9, 704)})
    report = make_report(rows, max_length=128, findings=Findings(), most_tokens=most)
    assert report.suggested_max_length == suggested
    assert any(hint in note for note in report.notes)


@pytest.mark.parametrize(
    ("asked", "least"),
    [
        (["data.max_length=1"], 3),
        (["data.max_length=2"], 3),
        (["data.max_length=4", "data.text_pair_column=second"], 5),
        (["data.max_length=1", "task=similarity", "data.text_pair_column=second", "data.label_column=number"], 3),
    ],
)
def test_s14_a_length_that_leaves_nothing_of_a_row_is_refused_with_the_least(
    overrides: list[str], asked: list[str], least: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [{"text": f"some row {number}", "second": "ab"[number % 2]} for number in range(60)]
    rows = [{**one, "label": one["second"], "number": at % 2} for at, one in enumerate(texts)]
    assert main(["check", *overrides, rows_in(tmp_path, rows), *asked]) == 2
    assert f"need at least {least}" in capsys.readouterr().err


def test_s14_a_prompt_and_an_answer_have_a_token_each_and_an_end(
    overrides: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save_model(tmp_path / "llama", "llama", **LLAMA)
    given = [rows_in(tmp_path, pairs(40)), f"model.name_or_path={model}", "task=generation", "method=full"]
    assert main(["check", *overrides, *given, "data.target_column=target", "data.max_length=2"]) == 2
    assert "need at least 3" in capsys.readouterr().err


def test_t2_a_causal_model_of_another_kind_of_positions_is_told_and_taken(
    overrides: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save_model(tmp_path / "llama", "llama", max_position_embeddings=32, **LLAMA)
    assert isinstance(AutoModelForCausalLM.from_pretrained(model).config.max_position_embeddings, int)
    given = [rows_in(tmp_path, pairs(40)), f"model.name_or_path={model}", "task=generation", "method=full"]
    assert main(["check", *overrides, *given, "data.target_column=target", "data.max_length=48"]) == 0
    assert "more than the 32 tokens that the model was made for" in " ".join(capsys.readouterr().out.split())
