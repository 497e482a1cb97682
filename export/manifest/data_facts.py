"""What a manifest says of the data report: simple models' scores, and training rows that are held-out rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slimtune.training.broken_files import BROKEN, read_object
from slimtune.training.usual_places import DATA_REPORT_FILE

# a sweep's folder lies above `trials/<number>/checkpoint-<step>`, or above those of its reruns
MOST_LEVELS = 5


def known_of_data(report: Mapping[str, Any]) -> dict[str, Any]:
    """For `Provenance`.

    Args:
        report: Plain values of a data report.

    Raises:
        KeyError: One is missing.
    """
    # nearly equal rows that nobody has looked for may be there
    near = report["leaks_near"] if report["leaks_known"] else None
    leaks = {"exact": report["leaks_exact"], "near": near, "removed": report["leaks_removed"]}
    if not leaks["removed"]:
        leaks["shared"] = report["leaks_shared"]
    # reports of earlier versions do not have it
    return {"baselines": report["baselines"], "best_score": report.get("best_score"), "leaks": leaks}


def reported_above(checkpoint: Path) -> dict[str, Any]:
    """The same from the report that the sweep or the training of a checkpoint left above it; empty if there is none."""
    # torch comes with it

    for folder in [*checkpoint.absolute().parents][:MOST_LEVELS]:
        if (folder / DATA_REPORT_FILE).is_file():
            try:
                return known_of_data(read_object(folder / DATA_REPORT_FILE))
            except BROKEN:
                # a model can be exported without
                return {}
    return {}
