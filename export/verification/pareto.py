"""The variants in one picture: what is won in size and time, what is lost in agreement."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slimtune.export.bundle.variant_report import VariantReport

AXES = (("size_mb", "size in MB"), ("latency_ms", "median time of one row in ms"))
PASSED, REFUSED, FRONT = "#1a7f4b", "#b3412e", "#9aa0a6"


def pareto_variants(points: Sequence[tuple[float, float]]) -> list[int]:
    """Positions of the points that no other one beats: as cheap, and as faithful, and better in one of both.

    Args:
        points: Cost, of which less is better, and agreement, of which more is.
    """

    def beaten(point: tuple[float, float]) -> bool:
        cost, agreement = point
        return any(
            other != point and other[0] <= cost and other[1] >= agreement and (other[0] < cost or other[1] > agreement)
            for other in points
        )

    return [place for place, point in enumerate(points) if not beaten(point)]


def draw_variants(reports: Sequence[VariantReport], path: Path, *, min_agreement: float) -> None:
    """Write a picture: agreement with PyTorch over size and over time, the front as a line, the limit dashed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    values = [report.as_dict() for report in reports]
    for place, (key, label) in enumerate(AXES):
        # a checkpoint is no file that could be shipped
        shown = [one for one in values if key != "size_mb" or one["name"] != "pytorch"]
        axes = figure.add_subplot(1, len(AXES), place + 1)
        _draw(axes, [(one[key], 100 * one["agreement"], one["name"], one["passed"]) for one in shown])
        axes.axhline(100 * min_agreement, color=FRONT, linestyle="--", linewidth=1)
        axes.set_xlabel(label)
        axes.set_ylabel("answers that are PyTorch's, %")
    figure.suptitle("Variants (green: within the limits; grey line: no other is both cheaper and more faithful)")
    figure.savefig(path, dpi=120)


def _draw(axes: Any, points: Sequence[tuple[float, float, str, bool]]) -> None:
    front = sorted(points[place][:2] for place in pareto_variants([point[:2] for point in points]))
    axes.plot([cost for cost, _ in front], [agreement for _, agreement in front], color=FRONT, linewidth=1, zorder=1)
    for place, (cost, agreement, name, passed) in enumerate(sorted(points)):
        axes.scatter([cost], [agreement], color=PASSED if passed else REFUSED, zorder=2)
        # neighbours on different sides
        offset = (5, -12 if place % 2 else 6)
        axes.annotate(name, (cost, agreement), xytext=offset, textcoords="offset points", fontsize=9)
    axes.margins(0.2)
    axes.grid(alpha=0.3)
    axes.set_xlim(left=0, right=1.25 * max(point[0] for point in points))
