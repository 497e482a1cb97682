"""What the gate said of a version, as it is kept: `gate_report.json`, tags, and a section of the description."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from slimtune.export.promotion.config import PromotionConfig
from slimtune.export.promotion.gate import GateDecision
from slimtune.export.registry.mlflow_registry import RegisteredVersion
from slimtune.export.registry.version_notes import describe_version, log_report, tag_version
from slimtune.training.atomic_files import with_finite_numbers
from slimtune.training.markdown_text import markdown_text

HEADING = "## Gate"


def gate_report(
    decision: GateDecision, config: PromotionConfig, *, model: str, alias: str, champion: str | None
) -> dict[str, Any]:
    """Plain values.

    Args:
        decision: What the gate said.
        config: The rules.
        model: URI of the challenger, or its folder where it is not registered.
        alias: What it asked for.
        champion: Version that had the alias when the two were compared; None if none did.
    """
    report = {
        "model": model,
        "alias": alias,
        "champion": champion,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "rules": [{"rule": one.rule, "outcome": one.outcome.value, "told": one.told} for one in decision.rules],
        "comparison": None if decision.comparison is None else decision.comparison.as_dict(),
        "config": asdict(config),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return dict(with_finite_numbers(report))


def keep_report(uri: str, version: RegisteredVersion, report: Mapping[str, Any]) -> None:
    """On the version's run, in its tags and in its description, which the registry's page shows."""
    log_report(uri, version, report)
    found = report["comparison"] or {}
    numbers = {name: found.get(key) for name, key in (("gain", "gain"), ("gain_low", "low"), ("gain_high", "high"))}
    tags = {name: f"{value:z.4g}" for name, value in numbers.items() if value is not None}
    tag_version(uri, version, {"gate": report["verdict"], "gate_at": report["at"], **tags})
    describe_version(uri, version, as_markdown(report), heading=HEADING)


def as_markdown(report: Mapping[str, Any]) -> str:
    """The report for a person; labels, paths and messages in it are text, whatever signs they have."""
    rows = [f"| {one['rule']} | {one['outcome']} | {markdown_text(one['told'])} |" for one in report["rules"]]
    table = ["| rule | outcome | why |", "| -- | -- | -- |", *rows]
    notes = [f"- {markdown_text(note)}" for note in (report["comparison"] or {}).get("notes", ())]
    reason = markdown_text(report["reason"])
    head = f"{report['at']}, for the alias {report['alias']}: **{report['verdict']}**, {reason}"
    return "\n".join([head, "", *table, *(["", *notes] if notes else [])])
