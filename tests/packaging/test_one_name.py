"""Nothing of slimtune can be imported under two names."""

import importlib
from pathlib import Path

import pytest

from tests.packaging.environment import ROOT, Environment

FOLDERS = ("conf", "export", "hydra_plugins", "sweeper", "training")
EVERYTHING = """
import collections, importlib, os, pkgutil, sys
import slimtune, hydra_plugins.slimtune_sweeper
for package in (slimtune, hydra_plugins.slimtune_sweeper):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
names = collections.defaultdict(list)
for name, module in list(sys.modules.items()):
    file = getattr(module, "__file__", None)
    # not a venv that lies in the checkout
    if file and os.path.relpath(os.path.realpath(file), sys.argv[1]).split(os.sep)[0] in sys.argv[2:]:
        names[os.path.realpath(file)].append(name)
print(len(names))
print([found for found in names.values() if len(found) > 1])
"""


@pytest.mark.parametrize("prefix", ["", "src.slimtune."])
@pytest.mark.parametrize("name", ["conf", "export", "sweeper", "training"])
def test_a_folder_of_the_checkout_has_no_short_name(prefix: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python finds it by the working folder; a second copy would have classes of its own."""
    monkeypatch.syspath_prepend(ROOT)
    message = f"^{prefix}{name} is a folder of slimtune's; import slimtune.{name}$"
    with pytest.raises(ImportError, match=message):
        importlib.import_module(prefix + name)


@pytest.mark.slow
def test_every_module_is_loaded_once(empty_environment: Environment) -> None:
    """In the root of the checkout, where a short name could be found by accident."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n{EVERYTHING}"
    count, twice = empty_environment.run("-c", code, ROOT, *FOLDERS, cwd=ROOT).splitlines()
    assert int(count) >= len(_modules())
    assert twice == "[]"


def _modules() -> list[Path]:
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
