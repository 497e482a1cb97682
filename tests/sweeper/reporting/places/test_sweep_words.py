"""The words for a sweep in commands to copy: the commands find the same sweep by them."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.sweeper.campaigns.named_sweep import NamedSweep, named_sweep
from slimtune.sweeper.reporting.places.sweep_words import sweep_words
from slimtune.sweeper.search_config import study_url
from slimtune.sweeper.study import Study
from tests.sweeper.study.specs import make_spec


def begun_in(folder: Path, name: str, *, storage: str | None = None) -> NamedSweep:
    """A sweep with a study and nothing in it."""
    folder.mkdir(parents=True)
    url = storage or study_url(folder)
    Study(replace(make_spec(folder), name=name, storage=url)).set_attr("folder", str(folder))
    return NamedSweep(name, url, folder)


def found_by(words: str) -> NamedSweep:
    """What a command takes for it."""
    given, *storage = shlex.split(words)
    return named_sweep(given, outputs=Path("outputs"), storage=storage[1] if storage else None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["mine", "my sweep"])
def test_a_sweep_in_the_usual_place_is_told_by_its_bare_name(here: Path, name: str) -> None:
    sweep = begun_in(here / "outputs" / name, name)
    words = sweep_words(sweep.name, sweep.folder, sweep.storage)
    assert (words, found_by(words)) == (shlex.quote(name), sweep)
    assert sweep_words(name, Path("outputs") / name) == words


@pytest.mark.parametrize("place", ["elsewhere/mine", "outputs/renamed", "outputs/2026-03-01/mine"])
def test_another_place_is_told_by_its_path(here: Path, place: str) -> None:
    """Also where the folder is not called as its study is."""
    sweep = begun_in(here / place, "mine")
    words = sweep_words(sweep.name, sweep.folder, sweep.storage)
    assert (words, found_by(words)) == (str(here / place), sweep)


def test_a_sweep_behind_a_folder_of_the_working_directory_is_told_by_its_path(here: Path) -> None:
    """That one is meant by the bare name."""
    begun_in(here / "mine", "mine")
    sweep = begun_in(here / "outputs" / "mine", "mine")
    assert found_by("mine") != sweep
    assert found_by(sweep_words("mine", sweep.folder, sweep.storage)) == sweep


@pytest.mark.parametrize("place", ["outputs/mine", "elsewhere/mine"])
def test_a_study_elsewhere_is_told_with_its_storage(here: Path, place: str) -> None:
    """Its folder has none in it."""
    sweep = begun_in(here / place, "mine", storage=f"sqlite:///{here / 'all.db'}")
    words = sweep_words(sweep.name, sweep.folder, sweep.storage)
    assert (words, found_by(words)) == (f"mine --storage {sweep.storage}", sweep)


def test_the_study_in_the_folder_needs_no_storage(here: Path) -> None:
    """However its URL was given."""
    sweep = begun_in(here / "outputs" / "mine", "mine")
    assert sweep_words("mine", sweep.folder, "sqlite:///outputs/mine/study.db") == "mine"
