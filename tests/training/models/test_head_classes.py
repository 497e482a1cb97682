"""A head that a checkpoint brings along answers by the names of its classes, and not by their places."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
)

from slimtune.export.adapters.base import base_config
from slimtune.training.models.head_classes import head_classes
from slimtune.training.models.loading import Base, check_model, load_base, trial_copy
from slimtune.training.tasks.label_names import label_options

# as wide as it has classes: the layer before the last one is none of theirs
SIZES = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}


def head(*labels: str) -> Any:
    options = label_options(labels)
    kind = AutoModelForSequenceClassification
    return SimpleNamespace(auto_class=kind, peft_task_type="SEQ_CLS", model_options=lambda: options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Class 0 is `pos`, class 1 `neg`; the head says `pos` to everything."""
    names = {0: "pos", 1: "neg"}
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**SIZES, id2label=names, label2id={"pos": 0, "neg": 1}))
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([8.0, -8.0]))
    model.save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcd"]))
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    return tmp_path


def loaded(folder: Path, *labels: str) -> Base:
    config, cpu = base_config(str(folder), None), torch.device("cpu")
    return load_base(config, head(*labels), dtype=torch.float32, device=cpu, pad_token_id=0)


@pytest.mark.parametrize("labels", [("neg", "pos"), ("pos", "neg"), ("NEG", "Pos")])
def test_classes_are_found_by_their_names(folder: Path, labels: tuple[str, str]) -> None:
    base = loaded(folder, *labels)
    said = base.model(input_ids=torch.tensor([[2, 5, 3]])).logits.argmax().item()
    assert labels[said].casefold() == "pos"
    assert base.new_keys == frozenset()


def test_a_head_of_other_classes_is_drawn_anew(folder: Path) -> None:
    base = loaded(folder, "ham", "spam")
    assert base.new_keys == {"classifier.weight", "classifier.bias"}
    model = trial_copy(base, share_weights=False)
    assert model.classifier.bias.abs().max() < 1
    checked = check_model(base_config(str(folder), None), head("ham", "spam"))
    assert "the checkpoint's head is of other classes ('pos', 'neg'), and is not used" in checked.weights.notes()


def test_classes_without_names_are_told() -> None:
    found = head_classes(["LABEL_0", "LABEL_1"], label_options(["neg", "pos"]))
    assert (list(found.order), found.is_other) == ([], False)
    assert found.note is not None
    assert "so 0 for 'neg', 1 for 'pos'" in found.note


def test_another_number_of_classes_is_a_new_head_anyway() -> None:
    assert head_classes(["a", "b", "c"], label_options(["neg", "pos"])) == head_classes(["a"], {})
