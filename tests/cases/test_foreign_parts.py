"""Parts of models and rows that are missing, broken or contradict each other are told, and not worked around."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.training.checkpoints.checkpoint import open_checkpoint
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.one_hot import hot_names
from slimtune.training.errors import DataError, ModelError
from slimtune.training.models.head_classes import head_classes
from slimtune.training.models.tokenizer_faults import lacking_token
from slimtune.training.tasks.causal_generation import _last_turn
from slimtune.training.tasks.label_names import label_options
from tests.cases.reading import ConfigOf

CHAT = [("user", "hello"), ("assistant", "good day")]


def tokenizer(write: Any, *, opens: str = "") -> Any:
    """One whose template writes each turn by a function."""

    def applied(turns: Any, *, tokenize: bool, add_generation_prompt: bool = False) -> str:
        assert not tokenize
        return "".join(write(one["role"], one["content"]) for one in turns) + (opens if add_generation_prompt else "")

    return SimpleNamespace(apply_chat_template=applied)


@pytest.mark.parametrize("opens", ["[assistant]", "[assistant]<think>\n"])
def test_the_last_turn_has_the_template_s_end_whatever_the_prompt_opens(opens: str) -> None:
    told = tokenizer(lambda role, text: f"[{role}]{text}</turn>", opens=opens)
    assert _last_turn(CHAT, told) == "good day</turn>"


@pytest.mark.parametrize("write", [lambda role, text: text if role == "user" else "", lambda _, text: text.upper()])
def test_a_template_that_leaves_out_or_changes_the_answer_is_refused(write: Any) -> None:
    with pytest.raises(DataError, match="leaves out or changes the answer 'good day'"):
        _last_turn(CHAT, tokenizer(write))


@pytest.mark.parametrize(
    ("head", "key"),
    [("CAUSAL_LM", "eos_token"), ("SEQ_2_SEQ_LM", "eos_token"), (None, "pad_token")],
)
def test_a_special_token_that_is_missing_is_named_with_its_repair(head: str | None, key: str) -> None:
    said = lacking_token(SimpleNamespace(eos_token_id=None, pad_token_id=None), head)
    assert said is not None
    assert f"set {key} in its tokenizer_config.json" in said


def test_a_head_of_another_number_of_classes_than_its_config_names_is_not_used() -> None:
    found = head_classes(["pos", "neg", "other"], label_options(["neg", "pos"]), num_rows=2)
    assert found.is_other
    assert "has 2 classes and its config.json names 3" in str(found.note)


@pytest.mark.parametrize("key", ["text_column", "label_column"])
def test_a_second_text_has_a_column_of_its_own(config_of: ConfigOf, key: str) -> None:
    values = config_of()
    values["data"]["text_pair_column"] = values["data"][key]
    assert f"as data.{key} is" in parse_trial(values).problems[0]


@pytest.mark.parametrize("parts", [[1, 0], ["1", "0"], ["1", "0", "1", "1"]])
def test_a_list_of_ones_and_zeros_of_another_length_is_told_with_its_row(parts: list[Any]) -> None:
    with pytest.raises(DataError, match=rf"row 3: .* has 3 names; name all {len(parts)} .*, or give the row 3"):
        hot_names(parts, ["a", "b", "c"], column="label", where="row 3")


def test_a_record_that_is_no_text_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "slimtune.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="is broken"):
        open_checkpoint(tmp_path)
