import tomllib
from pathlib import Path

import pytest

from slimtune.sweeper.doctor import packages as installed
from slimtune.sweeper.doctor.finding import Finding, Grade
from slimtune.sweeper.doctor.packages import USES, packages
from slimtune.training.installation import plain_install

ROOT = Path(__file__).parents[3]


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """Versions that are told instead of the true ones; None is a package that is not there."""
    told: dict[str, str | None] = {}
    true = installed.version

    def version(name: str) -> str:
        if name not in told:
            return true(name)
        if (found := told[name]) is None:
            raise plain_install.PackageNotFoundError(name)
        return found

    for module in (installed, plain_install):
        monkeypatch.setattr(module, "version", version)
    return told


def named(name: str) -> list[Finding]:
    return [one for one in packages() if one.name == name]


def test_every_extra_has_its_use() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(USES) == set(project["optional-dependencies"]) - {"all", "test", "check"}


def test_what_is_installed_here_is_what_is_asked_for() -> None:
    assert [one for one in packages() if one.grade is not Grade.good] == []


def test_a_package_of_another_version_is_told_with_both(versions: dict[str, str | None]) -> None:
    versions["torch"] = "1.13.1"
    (found,) = named("package")
    assert found.told == "torch is 1.13.1, and slimtune needs >=2.9"
    assert found.grade is Grade.bad


def test_an_early_build_of_a_later_version_is_new_enough(versions: dict[str, str | None]) -> None:
    versions["torch"] = "2.15.0.dev20270101+cu130"
    assert named("package") == []


def test_an_extra_that_is_missing_is_told_with_the_command_that_brings_it(versions: dict[str, str | None]) -> None:
    versions["bitsandbytes"] = None
    (found,) = named("[qlora]")
    assert found.grade is Grade.absent
    assert "bitsandbytes is not installed" in found.told
    assert found.repair == "pip install 'slimtune[qlora]'"


def test_an_extra_that_is_there_by_half_is_bad(versions: dict[str, str | None]) -> None:
    versions["onnxscript"] = None
    (found,) = named("[export]")
    assert found.grade is Grade.bad


def test_required_packages_that_are_absent_are_one_finding(versions: dict[str, str | None]) -> None:
    versions |= {"psutil": None, "hydra-core": None}
    (found,) = named("package")
    assert found.told == "hydra-core, psutil are not installed"
    assert str(found.repair).startswith("pip install slimtune; ")


def test_where_slimtune_predicts_alone_no_extra_is_there_by_half(versions: dict[str, str | None]) -> None:
    """onnxruntime and jinja2 stand there without what else their extras have, and `slimtune predict` works."""
    versions |= {"torch": None, "onnx": None, "onnxscript": None}
    (found,) = named("[export]")
    assert found.grade is Grade.absent
    assert found.told == "export=onnx: onnx is not installed; onnxscript is not installed"
    versions["onnxruntime"] = None
    (found,) = named("[export]")
    assert found.told.startswith("export=onnx, slimtune predict: ")
