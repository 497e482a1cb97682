"""A whole sweep with several objectives and constraints."""

import json
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.conftest import Sweep

pytestmark = pytest.mark.slow


@pytest.fixture
def models(tiny_model: Path, tmp_path: Path) -> list[Path]:
    """The tiny model, one of twice its width, and one that is too large."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    folders = [tiny_model]
    for width in (64, 128):
        torch.manual_seed(0)
        config = BertConfig.from_pretrained(tiny_model)
        config.hidden_size, config.intermediate_size = width, 2 * width
        folders.append(tmp_path / f"width{width}")
        BertModel(config).save_pretrained(folders[-1])
        AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folders[-1])
    return folders


def test_two_objectives_and_a_constraint_to_a_registered_model(sweep: Sweep, models: list[Path]) -> None:
    """The large model is never trained; the small one is taken, though another one may be a little better; a higher
    budget goes on from there.
    """
    goals = [
        f"model.name_or_path=choice({','.join(map(str, models))})",
        "search.objectives=[accuracy,size_mb]",
        "search.constraints={size_mb: {max: 12}, loss: {max: 50}}",
        "search.pick={best: size_mb, within: {accuracy: 0.9}}",
        f"search.enqueue=[{{name_or_path: {models[2]}}},{{name_or_path: {models[1]}}}]",
        "search.finalists=1",
        "export=onnx",
        "export.variants=[]",
        "export.max_metric_drop=0.5",
        "export.min_agreement=0.5",
        # a bag of words has all of these rows right
        "promotion.beats_baseline=false",
    ]
    done = sweep.run(*goals, "search.n_trials=4")
    assert done.returncode == 0, done.stdout + done.stderr
    trials = sweep.trials()
    large = [trial for trial in trials if trial["params"]["model.name_or_path"] == str(models[2])]
    assert large
    assert all(not trial["feasible"] and trial["run_id"] is None for trial in large)
    assert "not trained: size_mb is 1" in done.stdout
    assert "every trial runs to its end" in done.stdout
    assert "Pareto set" in done.stdout
    assert "registered: mine version 1, alias champion" in done.stdout
    kept = [trial for trial in trials if trial["feasible"]]
    assert {trial["state"] for trial in kept} == {"complete"}
    results = yaml.safe_load((sweep.folder / "outputs/mine/optimization_results.yaml").read_text())
    assert results["picked"]["params"]["model.name_or_path"] == str(models[0])
    assert results["picked"]["values"][1] == min(trial["values"]["size_mb"] for trial in kept)
    (exported,) = [
        one
        for one in json.loads((sweep.folder / "outputs/mine/export/verification.json").read_text())
        if one["name"] == "fp32"
    ]
    assert results["picked"]["values"][1] == pytest.approx(exported["size_mb"], rel=0.1)
    (parent,) = sweep.runs("sweep")
    assert set(parent.data.tags["pareto"].split(",")) <= {str(trial["number"]) for trial in kept}
    tracked = {round(run.data.metrics["size_mb"], 3) for run in sweep.runs("trial")}
    assert tracked == {round(one["values"]["size_mb"], 3) for one in kept}
    more = sweep.run(*goals, "search.n_trials=5")
    assert more.returncode == 0, more.stdout + more.stderr
    assert [trial["values"] for trial in sweep.trials()[:4]] == [trial["values"] for trial in trials]
