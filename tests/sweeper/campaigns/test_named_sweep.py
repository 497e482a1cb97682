from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.named_sweep import named_sweep
from slimtune.sweeper.study.record import FOLDER
from slimtune.training.errors import StoreError
from tests.sweeper.campaigns.test_find_sweep import begun


def test_a_sweep_is_found_by_name_by_folder_and_by_storage(tmp_path: Path) -> None:
    storage = begun(tmp_path).spec.storage
    for given, more in (("mine", None), (str(tmp_path / "mine"), None), ("mine", storage)):
        assert named_sweep(given, outputs=tmp_path, storage=more) == ("mine", storage, tmp_path / "mine")


def test_the_nearest_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no sweep 'mime' in .*; known: none"):
        named_sweep("mime", outputs=tmp_path, storage=None)
    storage = begun(tmp_path).spec.storage
    for more in (None, storage):
        with pytest.raises(StoreError, match=r"there is no sweep 'mime' in .*; did you mean 'mine'") as error:
            named_sweep("mime", outputs=tmp_path, storage=more)
        assert "one that was begun just now is there once its data and model are checked" in str(error.value)


def test_a_path_is_looked_for_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not among the outputs of the working directory."""
    begun(tmp_path / "outputs")
    monkeypatch.chdir(tmp_path)
    for given in (str(tmp_path / "outputs" / "mime"), "outputs/mime"):
        with pytest.raises(StoreError, match=rf"there is no sweep 'mime' in {tmp_path}/outputs; did you mean 'mine'"):
            named_sweep(given, outputs=tmp_path / "elsewhere", storage=None)


def test_a_sweep_of_an_app_lies_where_it_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage knows that; one that others write to leads to nobody else's folder."""
    study, elsewhere = begun(tmp_path), tmp_path / "elsewhere"
    storage = study.spec.storage
    study.set_attr(FOLDER, str(elsewhere))
    assert named_sweep("mine", outputs=tmp_path / "none", storage=storage).folder == tmp_path / "none" / "mine"
    elsewhere.mkdir()
    assert named_sweep("mine", outputs=tmp_path / "none", storage=storage).folder == elsewhere
    monkeypatch.setattr("os.getuid", lambda: elsewhere.stat().st_uid + 1)
    assert named_sweep("mine", outputs=tmp_path / "none", storage=storage).folder == tmp_path / "none" / "mine"
