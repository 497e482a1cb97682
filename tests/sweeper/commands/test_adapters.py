"""What `slimtune adapters` tells to do next can be done."""

from pathlib import Path
from typing import Any

import pytest

from slimtune.export.adapters import export
from slimtune.export.adapters.manifest import card
from slimtune.export.bundle.adapter_folder import AdapterFolder
from slimtune.export.bundle.adapters_manifest import AdapterEntry, AdaptersManifest
from slimtune.export.bundle.interface import Interface, PromptSettings
from slimtune.export.graph_names import Kind
from slimtune.sweeper.cli import main

TEXT, ROWS = '--text "..."', "--file rows.jsonl"


def entry(template: str | None, **more: Any) -> AdapterEntry:
    prompt = PromptSettings("text", template, None, {}, 0, 32, is_causal=True)
    given = {"kind": Kind.causal, "labels": [], "max_length": 32, "pad_id": 0, "prompt": prompt, **more}
    return AdapterEntry(interface=Interface(**given), ranks=[2], modules=[], own_parameters=[], source="here")


ENTRIES = {
    "plain": (entry(None), TEXT),
    "one": (entry("{text}\n"), TEXT),
    "several": (entry("{instruction}\n{input}\n"), ROWS),
    "pairs": (entry(None, kind=Kind.labels, prompt=None, takes_pairs=True), '--text "..." --text-pair "..."'),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_the_command_that_is_told_fits_the_adapter(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A prompt of several columns is no text; the card beside the graph says so of each adapter."""
    one, arguments = ENTRIES[name]
    manifest = AdaptersManifest(
        base=one.interface,
        adapters={name: one, "other": ENTRIES["one"][0]},
        checks=[],
        base_model="a base",
        base_revision=None,
        precision="fp32",
        opset=20,
        files={},
        versions={},
    )
    made = export.AdaptersResult(AdapterFolder(tmp_path, manifest), [])
    monkeypatch.setattr(export, "export_adapters", lambda _: made)
    (tmp_path / "adapter_config.json").write_text("{}")
    given = f"{name}={tmp_path},other={tmp_path}"
    assert main(["adapters", "--base", "b", "--adapters", given, "--output", "out"]) == 0
    asked = f"--adapter {name} {arguments}"
    assert f"slimtune predict --model out {asked}" in " ".join(capsys.readouterr().out.split())
    told = card(manifest)
    assert f"    slimtune predict --model <this folder> {asked}\n" in told
    assert f"--adapter other {TEXT}\n" in told
