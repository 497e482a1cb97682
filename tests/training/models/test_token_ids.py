"""Ids that a model's files name are those of tokens that it has."""

import json
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.adapters.base import base_config
from slimtune.training.errors import ModelError
from slimtune.training.models.loading import check_model
from slimtune.training.models.token_ids import check_token_ids
from tests.cases.small_models import LLAMA, changed, save_model
from tests.cases.test_named_model import WRITER
from tests.training.models.test_config_faults import HEAD

OUTSIDE = "and the tokens of the model have the ids 0 to 99; write the id of a token"


@pytest.mark.parametrize("file", ["config.json", "generation_config.json"])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        *(({f"{name}_token_id": 100}, OUTSIDE) for name in ("bos", "eos", "pad", "unk", "sep", "cls", "forced_bos")),
        ({"decoder_start_token_id": -1}, OUTSIDE),
        ({"eos_token_id": "</s>"}, f'"</s>", {OUTSIDE}'),
        ({"eos_token_id": [1, 100]}, rf"\[1, 100\], {OUTSIDE}"),
        ({"bos_token_id": [1]}, OUTSIDE),
        ({"pad_token_id": True}, OUTSIDE),
        ({"suppress_tokens": 3}, "which is no list of token ids"),
        ({"min_length": "5"}, "which is no whole number of tokens"),
        ({"max_new_tokens": 1.5}, "which is no whole number of tokens"),
    ],
)
def test_an_id_that_no_token_has_is_told(tmp_path: Path, file: str, values: dict[str, Any], said: str) -> None:
    (tmp_path / file).write_text(json.dumps({"bos_token_id": 0, **values}))
    with pytest.raises(ModelError, match=f"the model: its {file} has {next(iter(values))}=.*{said}"):
        check_token_ids(tmp_path, 100, said="the model")


def test_what_is_there_or_not_said_is_fine(tmp_path: Path) -> None:
    """In files of old, a padding of -1 is none."""
    fine = {"eos_token_id": [0, 99], "bos_token_id": None, "min_length": 0, "suppress_tokens": [1, 2]}
    (tmp_path / "generation_config.json").write_text(json.dumps(fine))
    (tmp_path / "config.json").write_text(json.dumps({"pad_token_id": -1}))
    check_token_ids(tmp_path, 100, said="the model")
    check_token_ids(tmp_path / "a-hub-name", 100, said="the model")


def test_it_is_told_before_the_first_trial_of_a_model_that_writes(tmp_path: Path) -> None:
    """A classifier asks for none of them."""
    model = save_model(tmp_path / "odd", "llama", **LLAMA)
    changed(model, "generation_config.json", {"eos_token_id": 1 << 20})
    with pytest.raises(ModelError, match=r"generation_config.json has eos_token_id=1048576, and the tokens"):
        check_model(base_config(str(model), None), WRITER)
    check_model(base_config(str(model), None), HEAD)
