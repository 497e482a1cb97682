"""Where things lie if nothing else is said."""

from pathlib import Path

import yaml

from slimtune.training.usual_places import OUTPUTS, STUDY_FILE, sweeps_under


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
