"""What the registry's page says of a version."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slimtune.export.bundle.bundle import CARD
from slimtune.export.registry.version_facts import facts_of
from tests.export.bundle.test_model_card import of_sweep


@pytest.mark.parametrize("before", ["# file: classification", "# tickets: classification"])
def test_a_version_is_described_under_the_name_of_its_model(before: str, tmp_path: Path) -> None:
    """Also one of a bundle that was written under another name."""
    manifest = of_sweep("tickets")
    (tmp_path / CARD).write_text(f"{before}\n\nBase model `b`.\n")
    bundle: Any = SimpleNamespace(manifest=manifest, folder=tmp_path, labels=manifest.interface.labels)
    lines = facts_of(bundle, "team_router").description.splitlines()
    assert lines[0].startswith("# team_router: classification")
    assert lines[1:] == ["", "Base model `b`."]
