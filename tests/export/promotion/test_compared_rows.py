import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.evaluate_model import EvaluationColumns
from slimtune.export.evaluation.seen_rows import NoRows, UntrustedRows, splits_of_bundle
from slimtune.export.pipeline import ExportResult
from slimtune.export.promotion.compared_rows import given_rows_of, own_rows
from slimtune.export.promotion.config import promotion_config
from slimtune.export.promotion.gate import GateVerdict, Opponent, decide
from slimtune.training.data.examples import Example
from slimtune.training.errors import DataError
from tests.conftest import make_rows, write_jsonl


@pytest.fixture
def bundle(exported: ExportResult) -> Bundle:
    assert exported.bundle is not None
    return exported.bundle


def of_other_rows(bundle: Bundle) -> Bundle:
    training = replace(bundle.manifest.training, data_fingerprint="other")
    return bundle._replace(manifest=replace(bundle.manifest, training=training))


def test_a_bundles_own_rows_are_those_that_it_was_chosen_by(bundle: Bundle) -> None:
    rows = own_rows(bundle, trust=False)
    assert len(rows.examples) == bundle.manifest.verification.num_validation_rows


def test_rows_that_are_gone_or_other_ones_now_are_none(bundle: Bundle) -> None:
    with pytest.raises(NoRows, match="other ones now"):
        own_rows(of_other_rows(bundle), trust=False)
    data = {**bundle.manifest.training.config["data"], "train_file": "nosuch.jsonl"}
    training = replace(bundle.manifest.training, config={**bundle.manifest.training.config, "data": data})
    with pytest.raises(NoRows, match=r"nosuch\.jsonl"):
        own_rows(bundle._replace(manifest=replace(bundle.manifest, training=training)), trust=False)


def test_given_rows_that_the_challenger_was_trained_on_refuse_it(
    bundle: Bundle, rows_file: Path, tmp_path: Path
) -> None:
    trained = [json.loads(line) for line in rows_file.read_text().splitlines()]
    files = (write_jsonl(tmp_path / "seen.jsonl", trained), write_jsonl(tmp_path / "new.jsonl", make_rows(9, seed=99)))
    seen, new = (given_rows_of(bundle, str(file), EvaluationColumns(), trust=False) for file in files)
    assert seen.num_seen > new.num_seen == 0
    decision = decide(bundle, Opponent(bundle, "", lambda _: seen), promotion_config())
    assert decision.verdict is GateVerdict.refused
    assert "are training rows of its own: --leave-out-known compares on the other ones" in decision.reason
    with pytest.raises(DataError, match="no such file"):
        given_rows_of(bundle, "nosuch.jsonl", EvaluationColumns(), trust=False)


def test_rows_that_the_challenger_knows_can_be_left_out(bundle: Bundle, rows_file: Path, tmp_path: Path) -> None:
    """They are counted and named, and the others decide."""
    trained = [json.loads(line) for line in rows_file.read_text().splitlines()]
    new = make_rows(9, seed=99)
    file = str(write_jsonl(tmp_path / "mixed.jsonl", [*new, *trained]))
    every = given_rows_of(bundle, file, EvaluationColumns(), trust=False)
    rest = given_rows_of(bundle, file, EvaluationColumns(), trust=False, without_known=True)
    assert len(rest.examples) == len(every.examples) - every.num_seen >= len(new)
    assert rest.num_seen == 0
    assert rest.notes[-1].startswith(
        f"{every.num_seen} of the {len(every.examples)} rows are training rows of the model"
    )
    assert rest.notes[-1].endswith("left out")
    only = tmp_path / "seen.jsonl"
    write_jsonl(only, [row for row in trained if row["text"] in {one.text for one in _trained_on(bundle)}])
    with pytest.raises(DataError, match="--leave-out-known leaves none"):
        given_rows_of(bundle, str(only), EvaluationColumns(), trust=False, without_known=True)


def _trained_on(bundle: Bundle) -> Sequence[Example]:
    return splits_of_bundle(bundle, trust=False).train


def test_a_champion_of_other_rows_is_scored_on_the_challengers(bundle: Bundle) -> None:
    """And that it may know them is told."""
    against = Opponent(of_other_rows(bundle), "", lambda one: own_rows(one, trust=False))
    decision = decide(bundle, against, promotion_config(["promotion.beats_baseline=false"]))
    assert decision.verdict is GateVerdict.challenger
    assert decision.comparison is not None
    assert decision.comparison.notes[-1] == "the champion was trained on other rows, perhaps on some of these"


def test_rows_that_are_not_read_for_want_of_trust_are_told_apart(bundle: Bundle) -> None:
    """Trust is all that they need, and no file stands for it."""
    training = bundle.manifest.training
    config = {**training.config, "task": {**training.config["task"], "loss": {"_target_": "their_code.Loss"}}}
    named = replace(bundle.manifest, training=replace(training, config=config))
    with pytest.raises(UntrustedRows, match="add --trust"):
        splits_of_bundle(bundle._replace(manifest=named), trust=False)
