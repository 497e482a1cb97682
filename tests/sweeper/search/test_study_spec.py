from pathlib import Path

import pytest

from slimtune.sweeper.search import study_spec
from slimtune.sweeper.search.study_spec import LOCK, open_study
from slimtune.sweeper.search_config import Rungs
from slimtune.training.errors import StoreError
from tests.cases.sweep_requests import RequestOf
from tests.cases.sweep_requests import request_of as request_of


@pytest.mark.parametrize("is_there", [False, True])
def test_a_storage_that_fails_leaves_no_folder(
    is_there: bool, request_of: RequestOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it was there before."""

    def fail(*_: object) -> None:
        raise StoreError("no answer")

    monkeypatch.setattr(study_spec, "Study", fail)
    folder = tmp_path / "outputs" / "mine"
    if is_there:
        folder.mkdir(parents=True)
    request = request_of("method.r=4,8", f"hydra.sweep.dir={folder}")
    assert request.folder == folder
    with pytest.raises(StoreError, match="no answer"):
        open_study(request, Rungs(1, 1))
    assert [path.name for path in tmp_path.rglob("*")] == (["outputs", "mine", LOCK] if is_there else [])
