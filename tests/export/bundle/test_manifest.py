"""What is written is what is read, under one name for one thing."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import MANIFEST, read_manifest, write_manifest
from slimtune.export.bundle.interface import GenerationSettings, Interface, PromptSettings
from slimtune.export.bundle.manifest import BuiltFor, Manifest, Provenance
from slimtune.export.graph_names import Kind
from slimtune.export.pipeline import ExportResult
from tests.export.conftest import make_manifest, make_report

REPORTS = [make_report("pytorch", 0.9), make_report("int8", 0.8)]


def test_metric_is_a_name_and_score_a_number() -> None:
    """Also where a manifest lists its variants."""
    manifest = make_manifest(REPORTS, variant="int8", metric="f1_macro")
    values = json.loads(json.dumps(manifest.as_dict()))
    assert values["metric"] == manifest.training.metric == "f1_macro"
    assert [item["score"] for item in values["variants"]] == [0.9, 0.8]
    assert all("metric" not in item for item in values["variants"])
    assert Manifest.parse(values).score == 0.8


def test_a_manifest_of_generation_is_read_as_it_was_written() -> None:
    """Every part, nothing of which JSON turns into something else."""
    interface = Interface(
        kind=Kind.causal,
        labels=[],
        max_length=64,
        pad_id=0,
        tags=[],
        max_positions=128,
        generation=GenerationSettings(8, 0, [1], None, None),
        prompt=PromptSettings("text", "{text}\n", None, {}, 1, 56, is_causal=True),
    )
    target = BuiltFor(
        name="qnn",
        provider="QNNExecutionProvider",
        provider_options={"backend": "htp"},
        static_batch=1,
        static_length=64,
        ran_on="CPUExecutionProvider",
        note="run on CPU",
    )
    reports = tuple(replace(report, kept=["classifier"], costs=[{"layer": "a", "gap": 0.5}]) for report in REPORTS)
    manifest = replace(make_manifest(reports, variant="int8"), interface=interface, target=target, files={"a": "0"})
    assert Manifest.parse(json.loads(json.dumps(manifest.as_dict()))) == manifest


def test_the_sweeps_run_is_noted() -> None:
    """And what is not known of a checkpoint is left out."""
    known = Provenance(source_run="trial", parent_run="sweep", trial=3)
    values = replace(make_manifest(REPORTS, variant="int8"), provenance=known).as_dict()
    assert (values["source_run"], values["parent_run"], values["trial"]) == ("trial", "sweep", 3)
    assert "sweep" not in values
    assert Manifest.parse(values).provenance == known


@pytest.mark.parametrize("key", ["kind", "labels", "metric", "variants", "limits", "target", "opset"])
def test_a_manifest_without_a_value_is_refused(key: str) -> None:
    values = make_manifest(REPORTS, variant="int8").as_dict()
    del values[key]
    with pytest.raises(KeyError, match=key):
        Manifest.parse(values)


def test_a_variant_whose_score_has_another_name_is_refused() -> None:
    values = make_manifest(REPORTS, variant="int8").as_dict()
    values["variants"][0]["metric"] = values["variants"][0].pop("score")
    with pytest.raises(KeyError, match="score"):
        Manifest.parse(values)


def test_an_export_writes_what_its_result_says(exported: ExportResult) -> None:
    assert exported.bundle is not None
    assert exported.chosen is not None
    values = json.loads((exported.bundle.folder / "manifest.json").read_text())
    assert (values["metric"], values["parent_run"]) == ("accuracy", "sweep")
    assert exported.bundle.manifest.score == exported.chosen.score
    assert {item["name"]: item["score"] for item in values["variants"]}[values["variant"]] == exported.chosen.score


def test_a_manifest_is_json_whatever_its_numbers_are(tmp_path: Path) -> None:
    """What is NaN or infinite is null, by the standard, and NaN when it is read; the hash fits what is written."""
    manifest = make_manifest(REPORTS, variant="int8")
    variants = [replace(one, drop_low=math.nan, max_logit_gap=math.inf) for one in manifest.verification.variants]
    verification = replace(manifest.verification, validation={"validation/spearman": math.nan}, variants=variants)
    written = write_manifest(tmp_path, replace(manifest, verification=verification).as_dict())
    text = (tmp_path / MANIFEST).read_text()
    assert json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON")) == written
    read = Manifest.parse(read_manifest(tmp_path / MANIFEST, "export again"))
    assert all(math.isnan(one.drop_low) and math.isnan(one.max_logit_gap) for one in read.verification.variants)
    assert math.isnan(read.verification.validation["validation/spearman"])
