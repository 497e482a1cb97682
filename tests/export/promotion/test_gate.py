from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slimtune.export.bundle.bundle import Bundle
from slimtune.export.evaluation.seen_rows import NoRows, UntrustedRows
from slimtune.export.pipeline import ExportResult
from slimtune.export.promotion.compared_rows import Rows
from slimtune.export.promotion.comparison import Comparison
from slimtune.export.promotion.config import promotion_config
from slimtune.export.promotion.gate import GateDecision, GateVerdict, Opponent, _judged, decide
from slimtune.export.promotion.report import as_markdown, gate_report
from slimtune.export.promotion.rules import Outcome
from slimtune.training.data.examples import Example
from tests.conftest import make_rows
from tests.export.conftest import make_manifest, make_report

CLEAN = {"baselines": {"majority": {"accuracy": 0.3}}, "leaks": {"exact": 1, "near": 0, "removed": True}}


def make(
    score: float,
    *,
    labels: Sequence[str] = ("a", "b"),
    metric: str = "accuracy",
    fingerprint: str = "same",
    **known: Any,
) -> Bundle:
    reports = [make_report("fp32", 0.0), make_report("int8", score)]
    direction = "minimize" if metric == "loss" else "maximize"
    manifest = make_manifest(reports, variant="int8", metric=metric, direction=direction)
    training = replace(manifest.training, data_fingerprint=fingerprint)
    manifest = replace(manifest, training=training, interface=replace(manifest.interface, labels=labels))
    return Bundle(Path(), replace(manifest, provenance=replace(manifest.provenance, **{**CLEAN, **known})))


def gate(challenger: Bundle, champion: Bundle | None, *overrides: str, **more: Any) -> GateDecision:
    """By recorded scores: the rows are not at hand."""

    def no_rows(bundle: Bundle) -> Rows:
        raise NoRows("the file is gone")

    against = Opponent(champion, "there was no champion", no_rows)
    return decide(challenger, against, promotion_config(overrides), **more)


def outcomes(decision: GateDecision) -> dict[str, str]:
    return {rule.rule: rule.outcome.value for rule in decision.rules}


def test_the_first_champion_passes_the_gate_too() -> None:
    """It is verified, beats the simple models, and has no leak."""
    decision = gate(make(0.5), None)
    assert decision.verdict is GateVerdict.promoted
    assert decision.reason == "there was no champion"
    rules = ("min_gain", "verified", "beats_baseline", "no_leak")
    assert outcomes(decision) == dict.fromkeys(rules, "passed")


@pytest.mark.parametrize(
    ("known", "score", "rule", "told"),
    [
        ({}, 0.3, "beats_baseline", "accuracy 0.3000, and majority has 0.3000"),
        ({"leaks": {"exact": 0, "near": 7, "removed": False}}, 0.5, "no_leak", "7 training rows are nearly"),
        ({"leaks": {"exact": 0, "near": 7, "removed": False}}, 0.5, "no_leak", "kept by data.drop_leaks=false"),
        (
            {"leaks": {"exact": 0, "near": 7, "removed": False, "shared": True}},
            0.5,
            "no_leak",
            "kept, for they are more than a tenth",
        ),
    ],
)
def test_a_first_champion_is_refused_with_the_reason(known: Any, score: float, rule: str, told: str) -> None:
    decision = gate(make(score, **known), None)
    assert decision.verdict is GateVerdict.refused
    assert outcomes(decision)[rule] == "refused"
    assert told in decision.reason
    assert decision.reason.startswith(f"{rule} refuses it: ")
    assert "(" not in decision.reason, "it stands in sentences that may have brackets of their own"


def test_a_refusal_ends_with_what_takes_its_rules_away() -> None:
    assert gate(make(0.3), None).reason.endswith("; promotion.beats_baseline=false takes this rule away")
    leaky = make(0.3, leaks={"exact": 0, "near": 7, "removed": False})
    several = gate(leaky, None, "promotion.max_size_mb=1").reason
    overrides = "promotion.beats_baseline=false promotion.no_leak=false promotion.max_size_mb=null"
    assert several.endswith(f"; {overrides} take these rules away")
    assert gate(leaky, None, *overrides.split()).verdict is GateVerdict.promoted


def test_a_usual_rule_that_is_switched_off_is_told() -> None:
    """Limits that nobody asks for are not."""
    decision = gate(make(0.3), None, "promotion.beats_baseline=false", "promotion.min_gain=null")
    off = {name: said for name, said in outcomes(decision).items() if said != "passed"}
    assert off == dict.fromkeys(("min_gain", "beats_baseline"), "switched off")
    assert decision.reason == "it passes, and no gain is asked for; switched off: min_gain, beats_baseline"
    report = gate_report(decision, promotion_config(), model="x", alias="champion", champion=None)
    assert "| beats_baseline | switched off | promotion.beats_baseline=false |" in as_markdown(report)


def test_a_test_that_is_switched_off_or_not_made_is_told() -> None:
    """Which few rows cannot show, and rows that are not at hand."""
    decision = gate(make(0.9), make(0.5), "promotion.confidence=null")
    assert outcomes(decision)["confidence"] == "switched off"
    assert decision.reason.endswith("without a test; switched off: confidence")
    report = gate_report(decision, promotion_config(), model="x", alias="champion", champion="1")
    assert "| confidence | switched off | promotion.confidence=null |" in as_markdown(report)
    untested = gate(make(0.9), make(0.5))
    assert outcomes(untested)["confidence"] == "not known"
    assert untested.reason.endswith("without a test; not known: confidence")


@pytest.mark.parametrize(
    ("score", "baseline", "told"),
    [
        (0.9, 0.8, None),
        (0.7, 0.7, "both on the 10 validation rows of its training, whatever rows promote --data gives"),
        (0.8, 0.8, "gives: only a model with at most one mistake passes; train with more rows, or with more of"),
        (0.9, 0.9, "gives: only a model without a mistake passes; train with more rows, or with more of them in"),
        (1.0, 1.0, "gives: no model passes; train with more rows, or with more of them in validation (data."),
    ],
)
def test_a_simple_model_that_leaves_no_room_is_told_with_its_rows(
    score: float, baseline: float, told: str | None
) -> None:
    decision = gate(make(score, baselines={"bag_of_words": {"accuracy": baseline}}), None)
    (rule,) = [one for one in decision.rules if one.rule == "beats_baseline"]
    assert (rule.outcome is Outcome.passed) is (told is None)
    assert told is None or told in rule.told
    assert ("more rows" in rule.told) is (baseline >= 0.8 and told is not None)
    assert told is None or decision.reason.endswith("promotion.beats_baseline=false takes this rule away")


@pytest.mark.parametrize(("metric", "best", "score"), [("spearman", 0.8364, 0.8367), ("f1_macro", 1.0, 1.0)])
def test_a_simple_model_that_has_the_best_that_rows_allow_is_told_with_it(
    metric: str, best: float, score: float
) -> None:
    """Also where it has more, as one whose answers are tied may."""
    known = {"baselines": {"word_overlap": {metric: score}}, "best_score": best}
    (rule,) = [one for one in gate(make(0.8, metric=metric, **known), None).rules if one.rule == "beats_baseline"]
    assert f"gives: no model passes, since {best:.4f} is the best {metric} that these rows let a model" in rule.told
    known["best_score"] = score + 0.01
    (rule,) = [one for one in gate(make(0.8, metric=metric, **known), None).rules if one.rule == "beats_baseline"]
    assert "no model passes" not in rule.told


def test_a_variant_that_its_export_refused_becomes_no_champion() -> None:
    bundle = make(0.5)
    reports = [replace(one, passed=False) for one in bundle.manifest.verification.variants]
    verification = replace(bundle.manifest.verification, variants=reports)
    decision = gate(bundle._replace(manifest=replace(bundle.manifest, verification=verification)), None)
    assert decision.verdict is GateVerdict.refused
    assert outcomes(decision)["verified"] == "refused"


def test_what_is_not_known_is_said_and_refuses_if_asked() -> None:
    unknown = make(0.5, baselines=None, leaks=None)
    decision = gate(unknown, None)
    assert decision.verdict is GateVerdict.promoted
    assert [name for name, said in outcomes(decision).items() if said == "not known"] == ["beats_baseline", "no_leak"]
    assert gate(unknown, None, "promotion.allow_unknown=false").verdict is GateVerdict.refused
    not_looked_for = make(0.5, **{**CLEAN, "leaks": {"exact": 1, "near": None, "removed": True}})
    assert outcomes(gate(not_looked_for, None))["no_leak"] == "not known"


@pytest.mark.parametrize(
    ("override", "passes"),
    [
        ("promotion.max_size_mb=10", True),
        ("promotion.max_size_mb=9.9", False),
        ("promotion.max_latency_ms=1", True),
        ("promotion.max_latency_ms=0.5", False),
    ],
)
def test_size_and_latency_have_limits(override: str, passes: bool) -> None:
    assert (gate(make(0.5), None, override).verdict is GateVerdict.promoted) is passes


def test_a_person_must_have_looked_where_that_is_asked() -> None:
    assert "--reviewed-by" in gate(make(0.5), None, "promotion.human_review=true").reason
    assert gate(make(0.5), None, "promotion.human_review=true", reviewed_by="Ann").verdict is GateVerdict.promoted


@pytest.mark.parametrize(
    ("challenger", "verdict"),
    [(0.81, GateVerdict.promoted), (0.8, GateVerdict.challenger), (0.79, GateVerdict.refused)],
)
def test_recorded_scores_decide_where_no_rows_are_at_hand(challenger: float, verdict: GateVerdict) -> None:
    """And that is told; with unknowns refused, it is not enough."""
    decision = gate(make(challenger), make(0.8))
    assert decision.verdict is verdict
    assert "against the champion's 0.8000 on 10 rows" in decision.reason
    assert decision.comparison is not None
    assert decision.comparison.notes == ["by the scores that both have on record: the file is gone"]
    assert gate(make(challenger), make(0.8), "promotion.allow_unknown=false").verdict is not GateVerdict.promoted


def test_less_loss_is_better() -> None:
    assert gate(make(0.5, metric="loss"), make(0.6, metric="loss")).verdict is GateVerdict.promoted
    assert gate(make(0.7, metric="loss"), make(0.6, metric="loss")).verdict is GateVerdict.refused


def test_a_gain_below_the_least_one_is_not_enough() -> None:
    decision = gate(make(0.85), make(0.8), "promotion.min_gain=0.1")
    assert decision.verdict is GateVerdict.challenger
    assert "less than promotion.min_gain=0.1" in decision.reason
    assert gate(make(0.1, baselines=None), make(0.8), "promotion.min_gain=null").verdict is GateVerdict.promoted


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (NoRows("the file is gone"), "the file is gone; give --data <labelled file> to score both"),
        (UntrustedRows("add --trust"), "add --trust: that alone scores both on the challenger's validation rows"),
    ],
)
def test_scores_from_other_rows_do_not_compare(why: NoRows, told: str) -> None:
    """What helps is told alone: rows where they are not at hand, trust where that is all they are read without."""

    def no_rows(bundle: Bundle) -> Rows:
        raise why

    decision = decide(make(0.9, fingerprint="other"), Opponent(make(0.1), "", no_rows), promotion_config())
    assert decision.verdict is GateVerdict.refused
    assert f"measured on other rows, and {told}" in decision.reason


def test_rows_are_not_asked_for_of_a_model_that_gives_no_scores_of_them() -> None:
    challenger = make(0.9, fingerprint="other")
    measured = {"perplexity": 2.0, "perplexity_pytorch": 2.0, "passed": True, "size_mb": 1.0}
    decision = gate(challenger._replace(manifest=replace(challenger.manifest, genai=measured)), make(0.1))
    assert decision.verdict is GateVerdict.refused
    assert "min_gain refuses it: " in decision.reason
    assert "its graphs give no scores of rows; " in decision.reason
    assert "--data" not in decision.reason


def test_other_labels_do_not_compare() -> None:
    assert "labels are not the champion's" in gate(make(0.9, labels=["a", "c"]), make(0.1)).reason


def test_rows_are_scored_by_both(exported: ExportResult) -> None:
    """A model is not better than itself; the numbers come from the rows given, and have an interval."""
    assert exported.bundle is not None
    rows = Rows("given", [Example(row["text"], row["label"]) for row in make_rows(30, seed=5)])
    against = Opponent(exported.bundle, "", lambda _: rows)
    decision = decide(exported.bundle, against, promotion_config())
    assert decision.verdict is GateVerdict.challenger
    assert "on 30 rows, gain +0.0000 (+0.0000 to +0.0000, p 1): not better" in decision.reason
    assert decision.rules[0].outcome is Outcome.unproven


@pytest.mark.parametrize(("p_value", "why"), [(None, "its interval reaches 0"), (0.2, "p is not below 0.05")])
def test_what_is_not_shown_is_told_by_what_decides(p_value: float | None, why: str) -> None:
    """An interval beside p may well lie above 0."""
    found = Comparison("accuracy", "given", 9, 0.8, 0.7, 0.1, low=-0.1, high=0.3, p_value=p_value, is_better=False)
    told = _judged(found, promotion_config()).told
    assert f"not shown to be better: {why}" in told
    assert told.endswith("(promotion.confidence=0.95; null makes no test)")
