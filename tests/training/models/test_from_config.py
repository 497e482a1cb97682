from collections.abc import Callable
from pathlib import Path

import pytest

from slimtune.training.config.trial import TrialConfig
from slimtune.training.errors import ConfigError
from slimtune.training.models.from_config import make_from_config, trained_tokenizer, with_model
from slimtune.training.tasks.rows import read_splits
from tests.training.tasks.conftest import CASES

CASE = next(case for case in CASES if case.name == "language_modelling")


def test_the_model_is_made_once_and_depends_on_rows_and_settings(config_for: Callable[..., TrialConfig]) -> None:
    config = config_for(CASE)
    train = read_splits(config).train
    first, again = (with_model(config, train).model.name_or_path for _ in range(2))
    other = with_model(config_for(CASE, "model.seed=1"), train).model.name_or_path
    assert first is not None
    assert other is not None
    assert first == again != other
    weights, others = ((Path(name) / "model.safetensors").read_bytes() for name in (first, other))
    assert weights != others
    assert (Path(first) / "tokenizer.json").read_bytes() == (Path(other) / "tokenizer.json").read_bytes()


def test_nothing_is_unknown_to_the_tokenizer() -> None:
    """Bytes are its alphabet: text comes back as it was, also what it was not trained on."""
    tokenizer = trained_tokenizer(["the cat sat on the mat"] * 3, 300)
    for text in ("the dog", "Grüße, 東京!", "  two  blanks\n"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_a_config_that_makes_no_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model.scratch is .* of which no model can be made"):
        make_from_config({"model_type": "lama", "vocab_size": 300}, ["a b"], tmp_path / "model", seed=0)
