"""Plain checkpoints of transformers for the other tasks: what the bundle answers is what transformers computes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from slimtune.export.bundle.bundle import open_bundle
from slimtune.export.runtime.row_predictor import LocatedRow, TextColumns, row_predictor_of
from tests.conftest import write_jsonl
from tests.export.external.test_checkpoint import Export, export, saved
from tests.training.tasks.conftest import CASES

__all__ = ["export"]
pytestmark = pytest.mark.usefixtures("untimed")
ROWS = {case.name: case.rows for case in CASES}
TAGS = ["O", "B-person", "I-person", "B-place", "I-place"]


def named(names: Sequence[str]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}


def spread(head: torch.nn.Linear) -> None:
    """Scores that are far enough from each other for answers of every kind."""
    torch.manual_seed(3)
    head.weight.data.normal_(std=0.5)


def answers(exported: Export, rows: Sequence[dict[str, Any]]) -> list[Any]:
    predictor = row_predictor_of(open_bundle(exported.out / "bundle").model, TextColumns(text_pair="other"))
    return [answer["prediction"] for answer in predictor.answers([LocatedRow(row, "a row") for row in rows])]


def checked(exported: Export, model: Path, rows: Path, *more: str) -> None:
    assert exported(model, *more, rows=rows) == 0
    fp32 = {item["name"]: item for item in json.loads((exported.out / "verification.json").read_text())}["fp32"]
    assert (fp32["agreement"], fp32["max_logit_gap"] < 1e-3) == (1.0, True)
    assert exported.manifest["source_format"] == "transformers"


def test_tags_of_a_model_are_spans(tiny_model: Path, export: Export, tmp_path: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(tiny_model, **named(TAGS)).eval()
    spread(model.classifier)
    rows = ROWS["extraction"]
    checked(
        export,
        saved(model, tiny_model, tmp_path / "tagger"),
        write_jsonl(tmp_path / "rows.jsonl", rows),
        "task=extraction",
    )
    assert export.manifest["tags"] == TAGS
    tokenizer, kinds = AutoTokenizer.from_pretrained(tiny_model), set()
    for row, spans in zip(rows[:8], answers(export, rows[:8]), strict=True):
        given = tokenizer(row["text"], return_tensors="pt", return_offsets_mapping=True)
        with torch.no_grad():
            tags = model(given["input_ids"], given["attention_mask"]).logits[0].argmax(-1).tolist()
        starts = {
            start: tag for (start, end), tag in zip(given["offset_mapping"][0].tolist(), tags, strict=True) if end
        }
        for span in spans:
            # a span begins where its first word has a tag of its kind
            assert TAGS[starts[span["start"]]].endswith(f"-{span['label']}")
            assert row["text"][span["start"] : span["end"]] == span["text"]
            kinds.add(span["label"])
    assert kinds == {"person", "place"}


def test_several_labels_are_those_above_one_half(tiny_model: Path, export: Export, tmp_path: Path) -> None:
    rows = ROWS["multi_label"]
    labels = sorted({label for row in rows for label in row["label"]}, reverse=True)
    model = AutoModelForSequenceClassification.from_pretrained(
        tiny_model, problem_type="multi_label_classification", **named(labels)
    ).eval()
    spread(model.classifier)
    source = write_jsonl(tmp_path / "rows.jsonl", rows)
    checked(export, saved(model, tiny_model, tmp_path / "several"), source, "task=multi_label")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for row, found in zip(rows[:8], answers(export, rows[:8]), strict=True):
        given = tokenizer(row["text"], return_tensors="pt")
        with torch.no_grad():
            scores = model(given["input_ids"], given["attention_mask"]).logits[0]
        assert found == [label for label, score in zip(labels, scores.tolist(), strict=True) if score > 0]


def test_vectors_are_those_of_the_encoder(tiny_model: Path, export: Export, tmp_path: Path) -> None:
    rows = ROWS["similarity"]
    model = AutoModel.from_pretrained(tiny_model).eval()
    more = ("task=similarity", "data.text_pair_column=other")
    source = write_jsonl(tmp_path / "rows.jsonl", rows)
    checked(export, saved(model, tiny_model, tmp_path / "encoder"), source, *more)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)

    def vector(text: str) -> torch.Tensor:
        given = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            states: torch.Tensor = model(given["input_ids"], given["attention_mask"]).last_hidden_state
        return states[0].mean(0)

    expected = [torch.cosine_similarity(vector(row["text"]), vector(row["other"]), dim=0).item() for row in rows[:8]]
    assert np.allclose(answers(export, rows[:8]), expected, atol=1e-4)


def test_an_encoder_decoder_writes_what_transformers_writes(
    bases: dict[str, Path], export: Export, tmp_path: Path
) -> None:
    rows, base = ROWS["generation"], bases["T5"]
    more = ("task=generation", "task.max_new_tokens=8")
    checked(export, base, write_jsonl(tmp_path / "rows.jsonl", rows), *more)
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(base).eval(), AutoTokenizer.from_pretrained(base)
    for row, found in zip(rows[:8], answers(export, rows[:8]), strict=True):
        given = tokenizer(row["text"], return_tensors="pt")
        written = model.generate(given["input_ids"], attention_mask=given["attention_mask"], max_new_tokens=8)
        assert found == tokenizer.decode(written[0], skip_special_tokens=True).strip()
