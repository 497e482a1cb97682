"""Where things lie if nothing else is said."""

from pathlib import Path

import pytest
import yaml

from slimtune.training.errors import UserError
from slimtune.training.usual_places import OUTPUTS, STUDY_FILE, at_home, home_path, sweeps_under


def test_the_folder_of_sweeps_is_the_one_that_the_config_has() -> None:
    config = yaml.safe_load((Path(__file__).parents[2] / "conf" / "config.yaml").read_text())
    assert config["hydra"]["sweep"]["dir"] == f"{OUTPUTS.as_posix()}/${{search.name}}"


def test_sweeps_are_the_folders_with_a_study(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).mkdir()
        if name != "c":
            (tmp_path / name / STUDY_FILE).touch()
    assert sweeps_under(tmp_path) == ["a", "b"]
    assert sweeps_under(tmp_path / "absent") == []


def test_a_persons_own_folder_is_taken_for_its_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of nobody is a path like any other, as a shell has it; Python alone would raise."""
    monkeypatch.setenv("HOME", "/home/me")
    assert home_path("~/rows.csv") == Path("/home/me/rows.csv")
    assert at_home("~nobody-of-that-name") == "~nobody-of-that-name"
    assert at_home("rows~.csv") == "rows~.csv"


@pytest.mark.parametrize("name", ["~", "~/rows.csv"])
def test_where_nobodys_folder_is_known_that_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with a user of no name."""
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(UserError, match=f"^{name}: nobody's folder is known for ~; set HOME"):
        home_path(name)
