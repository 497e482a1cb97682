"""A required package that is absent is told; another module that is missing is a fault."""

from importlib.metadata import PackageNotFoundError, packages_distributions

import pytest

from slimtune.training.errors import UserError
from slimtune.training.installation import plain_install
from slimtune.training.installation.plain_install import (
    INDEX_NAMES,
    absent_sentence,
    required_by_plain_install,
    required_packages,
    told_if_absent,
)


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of what is required can be imported."""
    monkeypatch.setattr(plain_install, "is_installed", lambda _: False)


def missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.usefixtures("hidden")
def test_each_required_package_is_known_by_the_name_that_is_imported() -> None:
    modules = packages_distributions()
    assert len(required_packages()) > 20
    for name in required_packages():
        # what a package of this name can be imported by
        imported = [one for one, by in modules.items() if name in {each.lower().replace("_", "-") for each in by}]
        assert name in {required_by_plain_install(missing(one)) for one in imported}, name
    assert {required_by_plain_install(missing(f"{one}.inner")) for one in INDEX_NAMES} == set(INDEX_NAMES.values())


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize("name", ["nosuch", "sacrebleu", "slimtune.nosuch"])
def test_what_is_not_required_is_no_concern_of_it(name: str) -> None:
    assert absent_sentence(missing(name), needed_for="slimtune doctor") is None


def test_a_package_that_is_there_without_one_of_its_modules_is_not_called_absent() -> None:
    assert absent_sentence(missing("torch.nosuch"), needed_for="slimtune train") is None


@pytest.mark.usefixtures("hidden")
def test_one_that_is_absent_is_told_with_its_name_at_the_index() -> None:
    told = absent_sentence(missing("sklearn"), needed_for="slimtune train")
    assert told == (
        "slimtune train needs scikit-learn, which slimtune requires and is not installed here; pip install scikit-learn"
    )


@pytest.mark.usefixtures("hidden")
def test_many_that_are_absent_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(plain_install, "version", no_version)
    told = str(absent_sentence(missing("psutil"), needed_for="slimtune doctor"))
    assert told.startswith(f"slimtune doctor needs psutil, one of {len(required_packages())} packages of the whole")
    assert "; pip install slimtune brings them all" in told


def test_a_copy_that_was_never_installed_requires_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_requires(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(plain_install, "requires", no_requires)
    assert required_packages() == []


def test_a_part_that_needs_it_says_what_works_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_install, "is_installed", lambda _: False)
    told = r"models:/a/1 needs mlflow, .*; name a folder"
    with pytest.raises(UserError, match=told), told_if_absent("models:/a/1", instead="name a folder"):
        raise missing("mlflow")
    with pytest.raises(ModuleNotFoundError), told_if_absent("models:/a/1", instead="name a folder"):
        raise missing("nosuch")
