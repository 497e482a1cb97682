"""Who may be asked for, and what becomes of the aliases; the store is asked for nothing else."""

from pathlib import Path

import pytest

from slimtune.export.commands import promote as command
from slimtune.export.config import onnx_config
from slimtune.export.promotion.candidate import Candidate
from slimtune.export.promotion.config import promotion_config
from slimtune.export.promotion.promote import PromotionRequest, promote
from slimtune.training.errors import ConfigError, ModelError
from tests.export.promotion.test_gate import make


@pytest.mark.parametrize("alias", ["challenger", "Challenger"])
def test_the_challengers_alias_is_not_asked_for(alias: str, tmp_path: Path) -> None:
    """Who is not shown to be better gets it, and would have what it asked for: told before anything is opened."""
    candidate = Candidate("tiny", None, make(0.5))
    with pytest.raises(ModelError, match="the gate gives challenger by itself"):
        promote(candidate, PromotionRequest(f"sqlite:///{tmp_path}/no.db", promotion_config(), alias))
    with pytest.raises(ModelError, match=f"--alias is '{alias}'; use a word such as champion"):
        command.run(["no_such_model", "--alias", alias])
    with pytest.raises(ConfigError, match=rf"export\.alias is .*{alias}.*; use a word such as champion"):
        onnx_config(alias=alias)
    assert onnx_config(alias="challenger-2").alias == "challenger-2"
